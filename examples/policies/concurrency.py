"""Eight requests in flight a replica; down only to the highest wish of the last five minutes.

In a scenario: autoscaler: Command(["python3", "concurrency.py"])
"""

import json
import math
import sys

TARGET, LOW, HIGH, WINDOW_S = 8.0, 1, 16, 300.0
wishes = []  # (when, how many)


def decide(seen):
    target = seen["targets"][0]
    batches = target["signals"]["in_flight_requests"]
    if not batches:
        return {"reason": "no sample"}
    in_flight = batches[-1]["samples"][-1]["value"]
    wish = min(max(math.ceil(in_flight / TARGET), LOW), HIGH)
    wishes.append((seen["now_s"], wish))
    while seen["now_s"] - wishes[0][0] > WINDOW_S:
        wishes.pop(0)
    replicas = max(count for _, count in wishes)
    if replicas == target["spec_replicas"]:
        return {}
    action = {"set_replicas": {"replicas": replicas}}
    return {"actions": [action], "reason": f"{in_flight:.0f} in flight"}


for line in sys.stdin:
    print(json.dumps(decide(json.loads(line))), flush=True)
