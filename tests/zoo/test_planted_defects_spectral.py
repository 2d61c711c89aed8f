"""Tests of SNGAN, SAGAN and BigGAN must be able to fail: a defect is planted in a copy of the code, one goes red."""

import pytest

# what -> (file, code, defect, file of tests and words of the test that must notice)
DEFECTS = {
    "block before its activation": (
        "layers/strided.py",
        "[] if first else [nn.LeakyReLU(SLOPE)]",
        "[nn.LeakyReLU(SLOPE)]",
        "test_layers_strided: leak_conv",
    ),
    "DCGAN's slope": ("layers/strided.py", "SLOPE = 0.1", "SLOPE = 0.2", "models/test_staged: table_3"),
    "mean instead of the sum": (
        "gan/staged.py",
        ".sum((2, 3))",
        ".mean((2, 3))",
        "models/test_staged: residual_critic",
    ),
    "projection of the other sign": (
        "gan/staged.py",
        "logits + (self.vectors",
        "logits - (self.vectors",
        "models/test_staged: projection",
    ),
    "attention a stage late": (
        "gan/staged.py",
        "_attention(config, width, 8 << i)",
        "_attention(config, width, 4 << i)",
        "models/test_staged: attention_follows",
    ),
    "critic without a bound": (
        "gan/staged.py",
        "return spectral_all(critic, self.config.normalisation, self.config.bound)",
        "return critic",
        "models/test_sngan: keeps_a_largest",
    ),
    "bound that nobody reads": (
        "gan/staged.py",
        "self.config.normalisation, self.config.bound)",
        "self.config.normalisation)",
        "models/test_sngan: clamp",
    ),
    "one value clamped where all should be": (
        "gan/staged.py",
        "self.config.normalisation, self.config.bound)",
        'self.config.normalisation.removesuffix("_all"), self.config.bound)',
        "models/test_sngan: clamping_all",
    ),
    "singular value of the weight by its inputs": (
        "layers/spectral.py",
        "return spectral_norm(module, n_power_iterations=iterations)",
        "return spectral_norm(module, n_power_iterations=iterations, dim=1)",
        "models/test_sngan: keeps_a_largest",
    ),
    "generator without a bound": (
        "gan/sagan.py",
        "spectral_all(xavier_(self.net))",
        "xavier_(self.net)",
        "models/test_sagan: both_networks",
    ),
    "one class for all": (
        "gan/sagan.py",
        "F.one_hot(labels,",
        "F.one_hot(labels * 0 + 1,",
        "models/test_sagan: of_its_class_alone",
    ),
    "one learning rate": (
        "gan/sagan.py",
        "lr_critic: PositiveFloat = 2e-3",
        "lr_critic: PositiveFloat = 1e-3",
        "models/test_sagan: faster",
    ),
    "attention that stays unused": (
        "layers/attention.py",
        "x + self.gamma *",
        "x + self.gamma.detach() *",
        "models/test_sagan: taken_up",
    ),
    "chunks in another order": (
        "gan/biggan.py",
        "first, *rest = z.split",
        "*rest, first = z.split",
        "models/test_biggan: each_chunk",
    ),
    "embedding normalised": (
        "gan/biggan.py",
        "spectral_all(orthogonal_(self).net)",
        "spectral_all(orthogonal_(self))",
        "models/test_biggan: of_1",
    ),
    "truncation that batch norm undoes": (
        "gan/biggan.py",
        "nn.init.uniform_(self.net.stem.bias, -edge, edge)",
        "nn.init.zeros_(self.net.stem.bias)",
        "models/test_biggan: from_the_start",
    ),
    "embedding regularised": (
        "regularizers.py",
        "] = nn.Embedding,",
        "] = (),",
        "models/test_biggan: embedding_out",
    ),
    "diagonal regularised": (
        "regularizers.py",
        'mode: str = "offdiagonal"',
        'mode: str = "full"',
        "models/test_biggan: other_lengths",
    ),
    "one update of the critic": (
        "gan/biggan.py",
        "critic_steps: PositiveInt = 2",
        "critic_steps: PositiveInt = 1",
        "models/test_biggan: two_updates",
    ),
    "statistics of the whole prior": (
        "gan/biggan.py",
        "self.prior(CALIBRATION_BATCH, generator, truncation)",
        "self.prior(CALIBRATION_BATCH, generator)",
        "models/test_biggan: statistics_are_those",
    ),
    "statistics written into the model": (
        "gan/biggan.py",
        "net, generator = deepcopy(self.average),",
        "net, generator = self.average,",
        "models/test_biggan: leave_the_model",
    ),
    "statistics of old weights": (
        "gan/biggan.py",
        " or not _are_equal(self._standing[1], self.average)",
        "",
        "models/test_biggan: kept_until",
    ),
    "truncation by clamping": (
        "gan/adversarial.py",
        "0.5 + (u - 0.5) * math.erf(edge / math.sqrt(2))",
        "u",
        "models/test_biggan: truncated_normal",
    ),
    "mixture of images, not of classes": (
        "gan/biggan.py",
        "self.average.synthesise(z, embedding)",
        "self.average(z, torch.zeros(len(z), dtype=torch.int64))",
        "models/test_biggan: embeddings_decode",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, test = DEFECTS[what]
    name, words = test.split(": ")
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/{name}.py", "-k", words)
