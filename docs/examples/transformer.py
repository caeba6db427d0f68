#!/usr/bin/python3
"""A transformer encoder with random weights: THREADS RUNS. Prints when its loop began and ended."""
import sys
import time

import torch

threads, runs = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(1)


class Block(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.behind = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.mixed, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.wide, self.narrow = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def attend(self, x):
        batch, length, width = x.shape
        q, k, v = self.mixed(x).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))

    def forward(self, x):
        x = x + self.attend(self.before(x))
        return x + self.narrow(torch.nn.functional.gelu(self.wide(self.behind(x))))


model = torch.nn.Sequential(*[Block(128, 4) for _ in range(4)]).eval()
text = torch.randn(1, 64, 128)
with torch.inference_mode():
    model(text)
    start = time.monotonic_ns()
    for _ in range(runs):
        model(text)
    end = time.monotonic_ns()
print(start, end, (end - start) / runs)
