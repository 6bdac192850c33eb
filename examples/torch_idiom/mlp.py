"""A multilayer perceptron that tells classes of noisy pictures apart, after PyTorch's quickstart."""

import numpy as np

import autodiff as torch
import nn
from nn import optim
from nn.data import DataLoader, TensorDataset


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(8 * 8, 32),
            nn.ReLU(),
            nn.Linear(32, 32),
            nn.ReLU(),
            nn.Linear(32, 4),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits


def pictures(count, seed):
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(0).normal(size=(4, 8, 8))
    labels = rng.integers(0, 4, count)
    images = patterns[labels] + rng.normal(size=(count, 8, 8))
    return TensorDataset(torch.tensor(images, dtype=torch.get_default_dtype()), torch.tensor(labels))


def train(dataloader, model, loss_fn, optimizer):
    model.train()
    losses = []
    for X, y in dataloader:
        pred = model(X)
        loss = loss_fn(pred, y)

        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def test(dataloader, model, loss_fn):
    size = len(dataloader.dataset)
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    test_loss /= len(dataloader)
    print(f"Accuracy: {100 * correct / size:>0.1f}%, Avg loss: {test_loss:>8f}")
    return test_loss


def main(model, epochs=3):
    train_dataloader = DataLoader(pictures(256, 1), batch_size=32)
    test_dataloader = DataLoader(pictures(64, 2), batch_size=32)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for _ in range(epochs):
        losses += train(train_dataloader, model, loss_fn, optimizer)
        losses.append(test(test_dataloader, model, loss_fn))
    return losses


if __name__ == "__main__":
    main(NeuralNetwork())
