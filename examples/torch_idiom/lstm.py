"""A bidirectional LSTM over sequences of different lengths, packed, that says which of two words comes first."""

import numpy as np

import autodiff as torch
import nn
from nn import optim
from nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence


class Classifier(nn.Module):
    def __init__(self, vocabulary=3, embedding_dim=8, hidden_dim=16):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden_dim, 1)

    def forward(self, text, text_lengths):
        embedded = self.embedding(text)
        packed_embedded = pack_padded_sequence(embedded, text_lengths, batch_first=True, enforce_sorted=False)
        packed_output, (hidden, cell) = self.lstm(packed_embedded)
        output, output_lengths = pad_packed_sequence(packed_output, batch_first=True)
        assert output.shape[1] == max(output_lengths)
        hidden = torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)
        return self.fc(hidden).squeeze(1)


def sentences(count, seed):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        text = rng.integers(1, 3, rng.integers(2, 9))
        texts.append(torch.tensor(text, dtype=torch.long))
        labels.append(float(text[0] == 2))
    return texts, torch.tensor(labels)


def batches(texts, labels, size):
    for start in range(0, len(texts), size):
        some = texts[start : start + size]
        lengths = torch.tensor([len(text) for text in some])
        yield pad_sequence(some, batch_first=True), lengths, labels[start : start + size]


def main(model, epochs=2):
    torch.manual_seed(0)
    texts, labels = sentences(96, 1)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for epoch in range(epochs):
        model.train()
        correct = 0
        for text, lengths, label in batches(texts, labels, 16):
            model.zero_grad()
            predictions = model(text, lengths)
            loss = criterion(predictions, label)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            losses.append(loss.item())
            rounded = torch.round(torch.sigmoid(predictions.detach()))
            correct += (rounded == label).float().sum().item()
        print(f"Epoch: {epoch}, loss {losses[-1]:.3f}, accuracy {correct / len(texts):.2f}")
    return losses


if __name__ == "__main__":
    main(Classifier())
