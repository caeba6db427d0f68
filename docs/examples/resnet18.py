#!/usr/bin/python3
"""ResNet-18 with random weights: THREADS RUNS. Prints when its loop began and ended."""
import sys
import time

import torch
import torchvision

threads, runs = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)
model = torchvision.models.resnet18(weights=None).eval()
image = torch.randn(1, 3, 224, 224)
with torch.inference_mode():
    model(image)
    start = time.monotonic_ns()
    for _ in range(runs):
        model(image)
    end = time.monotonic_ns()
print(start, end, (end - start) / runs)
