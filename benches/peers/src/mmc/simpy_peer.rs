//! SimPy, where `python3` finds it: a process for each request and a resource.

use super::station::{Played, RATE, SERVERS};
use std::process::Command;

const SCRIPT: &str = r#"
import json, random, sys, time
import simpy
requests, servers, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
draw = random.Random(1).expovariate
waits = [0.0, 0]
def request(env, station):
    arrived = env.now
    with station.request() as turn:
        yield turn
        waits[0] += env.now - arrived
        waits[1] += 1
        yield env.timeout(draw(1.0))
def source(env, station):
    for _ in range(requests):
        yield env.timeout(draw(rate))
        env.process(request(env, station))
env = simpy.Environment()
env.process(source(env, simpy.Resource(env, capacity=servers)))
start = time.process_time()
env.run()
print(json.dumps({"completed": waits[1], "mean_wait_s": waits[0] / waits[1], "cpu_s": time.process_time() - start}))
"#;

/// `None` without Python or SimPy.
pub fn play(requests: u64) -> Option<Played> {
    let arguments = [requests.to_string(), SERVERS.to_string(), RATE.to_string()];
    let output = Command::new("python3").args(["-c", SCRIPT]).args(arguments).output().ok()?;
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(Played {
        completed: found["completed"].as_u64()?,
        mean_wait_s: found["mean_wait_s"].as_f64()?,
        cpu_s: found["cpu_s"].as_f64()?,
    })
}
