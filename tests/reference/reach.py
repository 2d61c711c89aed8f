"""Which pixels a place sees through layers of masked convolutions or LSTMs, by following every path."""


def convolution(kernel, size, kind="B"):
    """Return what each place sees through one masked convolution."""
    reach, (height, width) = kernel // 2, size

    def sees(i, j):
        above = [(i - up, j + side) for up in range(1, reach + 1) for side in range(-reach, reach + 1)]
        left = [(i, j - side) for side in range(0 if kind == "B" else 1, reach + 1)]
        return {(r, c) for r, c in above + left if 0 <= r < height and 0 <= c < width}

    return {(i, j): sees(i, j) for i in range(height) for j in range(width)}


def after(first, second):
    """Return what is seen through two layers, the ``second`` on top."""
    return {place: set().union(*(first[other] for other in seen)) for place, seen in second.items()}


def row_lstm(size):
    """Return what each place sees through one Row LSTM: inputs (i, j - 1 .. j), states (i - 1, j - 1 .. j + 1)."""
    height, width = size
    found = {}
    for i in range(height):
        for j in range(width):
            states = [found.get((i - 1, j + side), set()) for side in (-1, 0, 1)]
            found[i, j] = set().union({(i, c) for c in (j - 1, j) if c >= 0}, *states)
    return found


def diagonal_bilstm(size):
    """Return what each place sees: all above and left of it, and all above and right of the place above it."""
    height, width = size
    return {
        (i, j): {(r, c) for r in range(height) for c in range(width) if (r <= i and c <= j) or (r < i and c >= j)}
        for i in range(height)
        for j in range(width)
    }
