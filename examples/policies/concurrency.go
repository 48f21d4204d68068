// Eight requests in flight a replica; down only to the highest wish of the last five minutes.
// In a scenario: autoscaler: Command(["go", "run", "concurrency.go"])
package main

import ("encoding/json"; "math"; "os")

type seen struct {
	NowS    float64 `json:"now_s"`
	Targets []struct {
		Spec    int `json:"spec_replicas"`
		Signals map[string][]struct{ Samples []struct{ Value float64 } }
	}
}
type wish struct { at float64; count int }

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var wishes []wish
	for {
		var s seen
		if in.Decode(&s) != nil { return }
		target := s.Targets[0]
		batches := target.Signals["in_flight_requests"]
		if len(batches) == 0 { out.Encode(map[string]string{"reason": "no sample"}); continue }
		samples := batches[len(batches)-1].Samples
		count := int(math.Min(math.Max(math.Ceil(samples[len(samples)-1].Value/8), 1), 16))
		wishes = append(wishes, wish{s.NowS, count})
		for s.NowS-wishes[0].at > 300 { wishes = wishes[1:] }
		for _, w := range wishes { if w.count > count { count = w.count } }
		if count == target.Spec { out.Encode(struct{}{}); continue }
		set := map[string]any{"set_replicas": map[string]int{"replicas": count}}
		out.Encode(map[string]any{"actions": []any{set}})
	}
}
