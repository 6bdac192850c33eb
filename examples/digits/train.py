"""Train a classifier on real handwritten digits and look at what it learned: `python -m examples.digits.train`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

import autodiff as ad
import nn
from examples.digits import pictures
from nn import optim


def build_model() -> nn.Module:
    """Return the network: 64 pixels in, one score for each digit out."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


@ad.no_grad()
def predict(model: nn.Module, images: ad.Tensor) -> ad.Tensor:
    """Return ten scores for each image, dropping nothing out and recording nothing."""
    model.eval()
    scores = model(images)
    model.train()
    return scores


def evaluate(model: nn.Module, images: ad.Tensor, labels: ad.Tensor) -> tuple[float, float]:
    """Return the mean loss and the share of images that the model gets right."""
    scores = predict(model, images)
    return nn.CrossEntropyLoss()(scores, labels).item(), (scores.argmax(1) == labels).float().mean().item()


def main() -> None:
    """Load, train, save, draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training set (default: 40)")
    parser.add_argument(
        "--seed", type=int, default=0, help="decides the split, the weights and every order (default: 0)"
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    ad.manual_seed(args.seed)

    # The data: pictures of 8x8 pixels in 17 shades of grey. A fifth is held out: the model never trains on it.
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target
    train, held_out = nn.random_split((images, labels), [0.8, 0.2])
    batches = nn.DataLoader(train, batch_size=32, shuffle=True)
    held_images, held_labels = held_out[:]

    # The model, what it is to make small, and how.
    model = build_model()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    print(nn.summary(model, held_images[:1]), end="\n\n")

    def step(x: ad.Tensor, y: ad.Tensor) -> ad.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    # Training: an epoch sees every picture once, in a new order.
    history = nn.History()
    start = time.perf_counter()
    with tqdm(range(args.epochs), desc="Training", unit="epoch") as progress:
        for epoch in progress:
            for x, y in batches:
                step(x, y)
            row = dict(zip(("loss", "accuracy"), evaluate(model, *train[:]), strict=True))
            loss, accuracy = evaluate(model, held_images, held_labels)
            history.rows.append({"epoch": epoch + 1, **row, "val_loss": loss, "val_accuracy": accuracy})
            progress.set_postfix(loss=f"{loss:.3f}", accuracy=f"{accuracy:.1%}")
    seconds = time.perf_counter() - start
    print(f"\nRight on {accuracy:.1%} of {len(held_out)} held-out digits after {seconds:.1f} s of training.\n")

    # What there is to see.
    weights, plot, mistakes = (args.out / name for name in ("weights.npz", "curves.png", "mistakes.png"))
    nn.save(model.state_dict(), weights)
    nn.plot_history(history, plot)
    probabilities = ad.softmax(predict(model, held_images), axis=1)
    pictures.draw_mistakes(held_images.numpy(), held_labels.numpy(), probabilities.numpy(), mistakes)
    graph = pictures.draw_graph(ad.trace(step)(x, y), args.out / "step.svg")
    print(f"""{graph!s:18} the graph of one training step: forward, backward, update
{plot!s:18} loss and accuracy by epoch
{mistakes!s:18} the held-out digits it got wrong
{weights!s:18} the trained weights, for model.load_state_dict(nn.load(...))

What to try next:
- fewer epochs and another split: ./scripts/demo --epochs 5 --seed 1 --out out/short
- another model: in build_model, exchange nn.ReLU for nn.Tanh or add a layer, and compare the curves
- a graph small enough to follow with a pencil: .venv/bin/python -m examples.scalars.draw""")


if __name__ == "__main__":
    main()
