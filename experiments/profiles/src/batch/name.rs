//! Names of profiles, made from what they measure: `bert-large-v100-32gb-onnx-trt-fp16`.

use super::rows::Key;

/// The name of a curve's profile.
pub fn of(key: &Key) -> String {
    let mut words = vec![model(key), gpu(&key.gpu), backend(&key.backend).to_owned()];
    if key.accelerator.contains("TensorRT") || key.section.contains("TF-TRT") {
        words.push("trt".to_owned());
    }
    words.push(key.precision.clone());
    if let Some((_, data)) = key.section.split_once("Dataset:") {
        words.push(data.to_owned());
    }
    words.iter().map(|word| slug(word)).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The model; where a table calls it by its folder `triton`, the framework and folder above.
fn model(key: &Key) -> String {
    if key.model != "triton" {
        return key.model.clone();
    }
    let above = key.file.split("/triton").next().unwrap_or_default();
    let folders: Vec<&str> = above.split('/').collect();
    format!("{} {}", folders.first().unwrap_or(&""), folders.last().unwrap_or(&""))
}

/// `NVIDIA DGX A100 (1x A100 80GB)` is `A100 80GB`, `NVIDIA T4` is `T4`.
fn gpu(text: &str) -> String {
    let inner = text.split_once('(').map_or(text, |(_, rest)| rest.trim_end_matches(')'));
    inner.trim_start_matches("1x").trim().trim_start_matches("NVIDIA").to_owned()
}

fn backend(text: &str) -> &str {
    match text {
        "NVIDIA TensorRT" => "tensorrt",
        "ONNX Runtime" => "onnx",
        other => other,
    }
}

fn slug(text: &str) -> String {
    let lower: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
    lower.split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_model_gpu_backend_and_precision() {
        let key = |model: &str, gpu: &str, backend: &str, accelerator: &str, section: &str| Key {
            file: "TensorFlow/Classification/ConvNets/triton/README.md".to_owned(),
            model: model.to_owned(),
            section: section.to_owned(),
            gpu: gpu.to_owned(),
            backend: backend.to_owned(),
            accelerator: accelerator.to_owned(),
            precision: "FP16".to_owned(),
        };
        let a100 = "NVIDIA DGX A100 (1x A100 80GB)";
        assert_eq!(of(&key("resnet50", a100, "ONNX Runtime", "TensorRT", "")), "resnet50-a100-80gb-onnx-trt-fp16");
        let data = "NVIDIA A30, NVIDIA TensorRT with FP16, Dataset: traffic";
        assert_eq!(of(&key("TFT", "NVIDIA A30", "NVIDIA TensorRT", "", data)), "tft-a30-tensorrt-fp16-traffic");
        let named = of(&key("triton", "NVIDIA T4", "TensorFlow", "CUDA", "NVIDIA T4, TF-TRT with FP16"));
        assert_eq!(named, "tensorflow-convnets-t4-tensorflow-trt-fp16");
    }
}
