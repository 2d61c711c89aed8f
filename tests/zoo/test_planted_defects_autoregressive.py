"""Tests of the autoregressive models must be able to fail: a defect is planted in a copy of the code, one goes red."""

import pytest

MASKED, STACK, RASTER = "layers/masked.py", "layers/causal_stack.py", "autoregressive/raster.py"
RECURRENT, DRAWING, CACHE = "autoregressive/recurrent.py", "autoregressive/drawing.py", "layers/cache.py"
ORDER = "models/test_raster: no_level_sees"
# what -> (file, code, defect, file of tests and words of the test that must notice)
DEFECTS = {
    "mask A sees itself": (
        MASKED,
        'if kind == "A" else',
        'if kind == "C" else',
        "test_layers_masked: one_map_a_colour",
    ),
    "first layer with mask B": ("autoregressive/network.py", 'kernel, "A", embed', 'kernel, "B", embed', ORDER),
    "pixels to the right seen": (
        MASKED,
        "mask[:, :, -1, self.reach + 1 :] = False",
        "pass",
        "models/test_pixelcnn: sees_what",
    ),
    "colours in reverse": (MASKED, "seen <= sees", "seen >= sees", ORDER),
    "colours of all gates as of one": (MASKED, "share = channels // parts", "share = channels", ORDER),
    "mask on the first use alone": (
        MASKED,
        "return self.weight * self.mask",
        "self.weight.data *= self.mask; return self.weight",
        "test_layers_masked: hidden_weights",
    ),
    "logits of levels before colours": (
        "autoregressive/network.py",
        "unflatten(1, (self.colours, self.levels)).transpose(1, 2)",
        "unflatten(1, (self.levels, self.colours))",
        ORDER,
    ),
    "row shift dropped": (
        STACK,
        "layer.link(down_one_row(seen))",
        "layer.link(seen)",
        "test_layers_causal_stack: nothing_later",
    ),
    "rows above dropped": (
        STACK,
        "layer.link(down_one_row(seen))",
        "layer.link(down_one_row(seen)) * 0",
        "test_layers_causal_stack: no_blind_spot",
    ),
    "vertical stack from the horizontal one": (
        STACK,
        "v = gate(seen + downwards)",
        "v = h",
        "test_layers_causal_stack: left_alone",
    ),
    "gate without its sigmoid": (
        STACK,
        "a.tanh() * b.sigmoid()",
        "a.tanh() * b",
        "test_layers_causal_stack: gates_multiply",
    ),
    "condition after the gate": (
        STACK,
        "gate(seen + link + bias)",
        "gate(seen + link)",
        "test_layers_causal_stack: before_every_gate",
    ),
    "map of the place above": (
        STACK,
        "x[:, :, cache.row : cache.row + 1,",
        "x[:, :, cache.row - 1 : cache.row,",
        "test_layers_causal_stack: place_by_place",
    ),
    "shift of the LSTM from the right dropped": (
        RECURRENT,
        "down_one_row(self.right(x.flip(3)).flip(3))",
        "self.right(x.flip(3)).flip(3)",
        ORDER,
    ),
    "LSTM from the right not mirrored back": (
        RECURRENT,
        "self.right(x.flip(3)).flip(3)",
        "self.right(x.flip(3))",
        "models/test_pixelrnn: mirrored",
    ),
    "cell of the pixel above": (
        RECURRENT,
        "h, c = cell(column + self.states(F.pad(h, (0, 0, 1, 0))), c)",
        "h, c = cell(column + self.states(F.pad(h, (0, 0, 1, 0))), F.pad(c, (0, 0, 1, -1)))",
        "models/test_pixelrnn: from_above_and_from_the_left",
    ),
    "output gate before the content": (
        RECURRENT,
        "o, f, i, g = gates",
        "g, f, i, o = gates",
        "models/test_pixelrnn: three_states_above",
    ),
    "row LSTM sees the row below": (
        RECURRENT,
        "for row in gates.split(1, dim=2)",
        "for row in gates.split(1, dim=2)[::-1]",
        ORDER,
    ),
    "skewed to the left": (
        RECURRENT,
        "F.pad(x, (0, height)).flatten(2)[..., :-height].unflatten(2, (height, width + height - 1))",
        "F.pad(x.flip(2), (0, height)).flatten(2)[..., :-height].unflatten(2, (height, width + height - 1)).flip(2)",
        "models/test_pixelrnn: skew",
    ),
    "sweep before the row is complete": (
        RECURRENT,
        "self._sweep(cache.at(cache.row - 1, 0))",
        "self._sweep(cache.at(cache.row, 0))",
        "models/test_raster: place_by_place and pixelrnn",
    ),
    "drawn colour not noted": (
        DRAWING,
        "drawn)\n            network.note(network.embed(place), here)",
        "drawn)",
        "models/test_raster: place_by_place",
    ),
    "known places not computed": (
        DRAWING,
        "network.features_at(here, condition)  # which later places need",
        "pass",
        "models/test_raster: place_by_place",
    ),
    "window a column off": (
        CACHE,
        "top, left = row + self._border, column +",
        "top, left = row + self._border, column - 1 +",
        "test_layers_masked: place_by_place",
    ),
    "first level forgotten": (DRAWING, "cumsum(dim=1)[:, :-1]", "cumsum(dim=1)[:, 1:]", "models/test_raster: as_often"),
    "temperature multiplied": (
        DRAWING,
        "colour] / temperature",
        "colour] * temperature",
        "models/test_raster: temperature_goes",
    ),
    "known pixels rounded": (
        RASTER,
        "torch.where(known[:, None].cpu(), x.float().cpu(), drawn)",
        "drawn",
        "models/test_raster: mask_of_its_own",
    ),
    "classes by the known pixels that come first alone": (
        RASTER,
        " * known[:, None]).sum((1, 2, 3))",
        " * known.flatten(1).long().cumprod(dim=1).view(known.shape)[:, None]).sum((1, 2, 3))",
        "models/test_gated_pixelcnn: unknown_class",
    ),
    "shares of classes forgotten": (
        RASTER,
        "(self._by_class(k).sum((2, 3, 4)) + self._log_shares())",
        "self._by_class(k).sum((2, 3, 4))",
        "models/test_raster: summed_with_their_shares",
    ),
    "mean over levels for their sum": (
        RASTER,
        "labels, None)).sum((1, 2, 3))",
        "labels, None)).mean((1, 2, 3))",
        "models/test_raster: sum_to_one",
    ),
    "dropout while judging": (
        RASTER,
        "with evaluating(self):\n            return self.network",
        "if True:\n            return self.network",
        "models/test_raster: dropout_is_off",
    ),
    "labels swapped": (
        "autoregressive/gated_pixelcnn.py",
        "sum((2, 3, 4)).argmax(dim=1)",
        "sum((2, 3, 4)).argmin(dim=1)",
        "models/test_gated_pixelcnn: most_likely",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, test = DEFECTS[what]
    name, words = test.split(": ")
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/{name}.py", "-k", words)
