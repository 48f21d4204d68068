"""flashcrowd from Python: what runs the program on more machines than one.

`flashcrowd.program` finds the program and reads what it says; `flashcrowd.ray` plays sweeps on a Ray
cluster. Neither computes a figure: that is the program's work alone.
"""
