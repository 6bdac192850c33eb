"""A loop of one's own: groups of parameters, gradients of two batches, schedules, a moving average, a penalty."""

import copy

import numpy as np

import autodiff as torch
import nn
from autodiff import grad
from nn import optim
from nn.data import DataLoader, Dataset
from nn.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR


class Waves(Dataset):
    def __init__(self, count):
        self.x = np.random.default_rng(0).uniform(-2, 2, (count, 2))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, idx):
        x = self.x[idx]
        sample = torch.tensor(x, dtype=torch.get_default_dtype())
        return sample, torch.tensor([np.sin(2 * x[0]) * x[1]], dtype=torch.get_default_dtype())


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList([nn.Linear(width, 2 * width), nn.Linear(2 * width, width)])
        self.scale = nn.Parameter(torch.full((1,), 0.5))

    def forward(self, x):
        h = self.norm(x)
        h = torch.tanh(self.layers[0](h))
        return x + self.scale * self.layers[1](h)


class Residual(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.inner = nn.Linear(2, width)
        self.blocks = nn.Sequential(*[Block(width) for _ in range(2)])
        self.head = nn.Linear(width, 1)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        return self.head(self.blocks(self.inner(x)))


def groups(model, weight_decay):
    decay = [p for n, p in model.named_parameters() if p.dim() >= 2]
    no_decay = [p for n, p in model.named_parameters() if p.dim() < 2]
    return [{"params": decay, "weight_decay": weight_decay}, {"params": no_decay, "weight_decay": 0.0}]


def main(model, epochs=3, accumulate=2):
    loader = DataLoader(Waves(96), batch_size=16, shuffle=False, drop_last=True)
    criterion = nn.HuberLoss(delta=0.5)
    optimizer = optim.SGD(groups(model, 1e-3), lr=0.1, momentum=0.9, nesterov=True)
    warmup = LinearLR(optimizer, start_factor=0.1, total_iters=4)
    cosine = CosineAnnealingLR(optimizer, T_max=6)
    scheduler = SequentialLR(optimizer, schedulers=[warmup, cosine], milestones=[4])
    average = copy.deepcopy(model).eval()
    losses = []
    for epoch in range(epochs):
        for step, (inputs, targets) in enumerate(loader):
            inputs.requires_grad_()
            outputs = model(inputs)
            (slope,) = grad(outputs.sum(), inputs, create_graph=True)
            penalty = slope.pow(2).mean()
            loss = (criterion(outputs, targets) + 0.01 * penalty) / accumulate
            loss.backward()
            losses.append(loss.item())
            if (step + 1) % accumulate:
                continue
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
            losses.append(norm.item())
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            with torch.no_grad():
                for mean, parameter in zip(average.parameters(), model.parameters(), strict=True):
                    mean.mul_(0.9).add_(parameter, alpha=0.1)
        with torch.no_grad():
            total = sum(criterion(average(inputs), targets).item() for inputs, targets in loader)
        losses.append(total)
        rates = [group["lr"] for group in optimizer.param_groups]
        print(f"epoch {epoch}: loss {losses[-1]:.4f}, rates {rates}")
    return losses


if __name__ == "__main__":
    main(Residual())
