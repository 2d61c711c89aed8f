"""Tests of the shared blocks must be able to fail: a defect is planted in a copy of the code, and its test goes red."""

import pytest

# what -> (file, code, defect, file of tests and words of the test that must notice)
DEFECTS = {
    "gradient penalty without create_graph": (
        "regularizers.py",
        "critic(x).sum(), x, create_graph=True",
        "critic(x).sum(), x",
        "regularizers: gradient_by_the_critics_weights",
    ),
    "one share for all pairs": (
        "regularizers.py",
        "share.view(-1,",
        "share[:1].view(-1,",
        "regularizers: examples_are_independent",
    ),
    "penalty of fakes with a gradient": (
        "regularizers.py",
        "torch.lerp(fake.detach(),",
        "torch.lerp(fake,",
        "regularizers: only_the_critic",
    ),
    "R1 mean over pixels": (
        "regularizers.py",
        "return slope.flatten(1).square().sum(1)",
        "return slope.flatten(1).square().mean(1)",
        "regularizers: r1_of_half",
    ),
    "norm of the normaliser detached": (
        "regularizers.py",
        "create_graph=is_wanted",
        "create_graph=False",
        "regularizers: gradient_by_the_critics_weights",
    ),
    "orthogonal penalty full for off the diagonal": (
        "regularizers.py",
        'if mode == "offdiagonal"',
        "if False",
        "regularizers: orthogonal_rows",
    ),
    "spectral penalty of all singular values": (
        "regularizers.py",
        "eigvalsh(gram)[-1]",
        "eigvalsh(gram).sum()",
        "regularizers: sigma_u_v",
    ),
    "path length without create_graph": (
        "regularizers.py",
        "(images * noise).sum(), w, create_graph=True",
        "(images * noise).sum(), w, retain_graph=True",
        "regularizers_path_length: numerical",
    ),
    "path length divided by pixels, not by their root": (
        "regularizers.py",
        "math.sqrt(images.shape[2] * images.shape[3])",
        "(images.shape[2] * images.shape[3])",
        "regularizers_path_length: jacobian",
    ),
    "minimax maximised": (
        "losses.py",
        "return -F.softplus(fake_logits).mean()",
        "return F.softplus(fake_logits).mean()",
        "losses: slopes",
    ),
    "real and fake swapped": (
        "losses.py",
        "F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits)",
        "F.relu(1 + real_logits).mean() + F.relu(1 - fake_logits)",
        "losses: slopes",
    ),
    "clamp with u and v swapped": (
        "layers/spectral.py",
        "left[:, None], right[:, None]",
        "right[:, None], left[:, None]",
        "layers_spectral: clamp_lowers",
    ),
    "vectors move in evaluation": (
        "layers/spectral.py",
        "if self.training:",
        "if True:",
        "layers_spectral: vectors_move",
    ),
    "stored vectors in the graph": (
        "layers/spectral.py",
        "self.u.clone(), self.v.clone()",
        "self.u, self.v",
        "layers_spectral: two_forward",
    ),
    "reading moves the vectors": ("layers/weights.py", "chain.eval()", "pass", "layers_spectral: change_nothing"),
    "demodulation over the batch": (
        "layers/modulated.py",
        "style.square() @",
        "style.square().mean(0, keepdim=True).expand_as(style) @",
        "layers_modulated: norm_one",
    ),
    "transposed kernel not mirrored": (
        "layers/modulated.py",
        ".flip(2, 3)",
        "",
        "layers_modulated: zero_insertion",
    ),
    "one noise for all images": (
        "layers/modulated.py",
        "torch.randn(n, 1, h, w,",
        "torch.randn(1, 1, h, w,",
        "layers_modulated: drawn_per_image",
    ),
    "AdaIN with the unbiased deviation": (
        "layers/norms.py",
        "deviation.square().mean(2, keepdim=True)",
        "flat.var(2, keepdim=True)",
        "layers_norms: adain_sets",
    ),
    "conditional gain without its one": (
        "layers/norms.py",
        "self.norm(x) * (1 + gain)",
        "self.norm(x) * gain",
        "layers_norms: starts_as_the_plain",
    ),
    "pixel norm over positions": (
        "layers/norms.py",
        "x.square().mean(1, keepdim=True)",
        "x.square().mean(-1, keepdim=True)",
        "layers_norms: pixel_norm",
    ),
    "softmax over queries": ("layers/attention.py", "@ key, dim=2", "@ key, dim=1", "layers_attention: rows_sum"),
    "attention starts at one": ("layers/attention.py", "torch.zeros(())", "torch.ones(())", "layers_attention: starts"),
    "gain of the equalised layer dropped": (
        "layers/equalized.py",
        "gain * lr_multiplier / math.sqrt(in_features)",
        "lr_multiplier / math.sqrt(in_features)",
        "layers_equalized: unit_inputs",
    ),
    "equalised at the start only": (
        "layers/equalized.py",
        "torch.randn(out_features, in_features) / lr_multiplier",
        "torch.randn(out_features, in_features) / lr_multiplier / in_features",
        "layers_equalized: unit_inputs",
    ),
    "upsampling without its gain": (
        "layers/blur.py",
        "kernel = 4 * _square",
        "kernel = _square",
        "layers_blur: gain_four",
    ),
    "groups of neighbours": (
        "layers/minibatch.py",
        "x.reshape(size, n // size, self.features, -1)",
        "x.reshape(n // size, size, self.features, -1).transpose(0, 1)",
        "layers_minibatch: loop",
    ),
    "start lost behind spectral normalisation": (
        "layers/initialise.py",
        "fill(layer, own_weight(layer))",
        "fill(layer, layer.weight.data)",
        "layers_initialise: behind_spectral",
    ),
    "starts of blocks overwritten": (
        "layers/weights.py",
        'getattr(block, "governs_own_weights", False)',
        "False",
        "layers_initialise: start_of_their_own",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, test = DEFECTS[what]
    name, words = test.split(": ")
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/test_{name}.py", "-k", words)
