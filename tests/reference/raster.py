"""Drawing from an autoregressive model by its definition: the whole network for every level, a plain loop to pick."""

import torch


def pick(probabilities, uniform):
    """Return the first level at which the sum of the probabilities exceeds the number."""
    total = 0.0
    for level, probability in enumerate(probabilities):
        total += probability
        if total > uniform:
            return level
    return len(probabilities) - 1


@torch.no_grad()
def draw(network, k, known, uniform, condition=None, temperature=1.0):
    """Return levels [n, c, h, w], kept where known, and the logits [n, levels, c, h, w] that each was drawn from."""
    found = torch.where(known[:, None], k, 0)
    seen = []
    for row in range(k.shape[2]):
        for column in range(k.shape[3]):
            for colour in range(k.shape[1]):
                logits = network(found, condition)[:, :, colour, row, column]
                seen.append(logits)
                probabilities = (logits.double() / temperature).softmax(1)
                for image in range(len(k)):
                    if not known[image, row, column]:
                        number = float(uniform[image, colour, row, column])
                        found[image, colour, row, column] = pick(probabilities[image].tolist(), number)
    height, width, colours = k.shape[2], k.shape[3], k.shape[1]
    return found, torch.stack(seen, -1).unflatten(2, (height, width, colours)).permute(0, 1, 4, 2, 3)
