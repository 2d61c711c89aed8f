"""Tests of the first GANs must be able to fail: defects are planted in a copy of the code, and tests go red."""

import pytest

# what -> (file, code, defect, file of tests, those that must notice)
DEFECTS = {
    "minimax upside down": (
        "losses.py",
        "return -F.softplus(fake_logits).mean()",
        "return F.softplus(fake_logits).mean()",
        "gan",
        "sure or climbs",
    ),
    "real is below 0": (
        "losses.py",
        "real = F.softplus(-real_logits).mean() + smoothing",
        "real = F.softplus(real_logits).mean() + smoothing",
        "gan",
        "odds",
    ),
    "batch norm at the image": ("gan/dcgan.py", 'norm="none", nd=nd)', "norm=norm, nd=nd)", "dcgan", "ends"),
    "real and generated images in one batch": (
        "gan/adversarial.py",
        "return self.loss.critic(self.critic(real, labels), self.critic(fake, fake_labels))",
        "return self.loss.critic(*self.critic(torch.cat([real, fake])).chunk(2))",
        "dcgan",
        "separate",
    ),
    "batch norm under a penalty": (
        "gan/adversarial.py",
        "if asked and any(",
        "if not asked and any(",
        "dcgan",
        "single",
    ),
    "weights as torch starts them": ("gan/dcgan.py", "        normal_(self)\n", "", "dcgan", "weights_start"),
    "critic is not told the class": (
        "gan/cgan.py",
        "torch.cat([x, planes], dim=1)",
        "torch.cat([x, planes * 0], dim=1)",
        "cgan",
        "planes",
    ),
    "class told is not the one drawn": (
        "gan/adversarial.py",
        "return self.generator(self.prior(run.batch, None), labels), labels",
        "return self.generator(self.prior(run.batch, None), labels), labels.roll(1)",
        "cgan",
        "own_label",
    ),
    "a wrong label may be right": (
        "gan/cgan.py",
        "torch.randint(1, classes",
        "torch.randint(0, classes",
        "cgan",
        "mismatch",
    ),
    "nothing is clipped": ("gan/adversarial.py", "        self.after_critic_step()\n", "", "wgan", "bound"),
    "the generator is clipped too": (
        "gan/wgan.py",
        "in self.critic.parameters()",
        "in self.parameters()",
        "wgan",
        "bound",
    ),
    "a negative distance": ("gan/wgan.py", '-logs["critic"]', 'logs["critic"]', "wgan", "estimate"),
    "a penalty without gradient": (
        "regularizers.py",
        "torch.autograd.grad(critic(x).sum(), x, create_graph=True)",
        "torch.autograd.grad(critic(x).sum(), x)",
        "wgan_gp",
        "differences",
    ),
    "norm of the mean pixel": (
        "regularizers.py",
        "slope.flatten(1).square().sum(1)",
        "slope.flatten(1).square().mean(1)",
        "wgan_gp",
        "plane",
    ),
    "one critic for two domains": ("gan/cogan.py", "self.first[domain or 0]", "self.first[0]", "cogan", "reaches"),
    "the domains' losses are summed": (
        "gan/cogan.py",
        "torch.stack(values).mean()",
        "torch.stack(values).sum()",
        "cogan",
        "means",
    ),
    "pairs are taken": ("gan/cogan.py", "if spec.is_paired:", "if False:", "cogan", "other_data"),
    "the winning critic goes on": ("gan/voxel_gan.py", "Onlooker(run) if rests else run", "run", "voxel_gan", "rests"),
    "it rests at the threshold": (
        "gan/voxel_gan.py",
        "self.accuracy > self",
        "self.accuracy >= self",
        "voxel_gan",
        "exactly",
    ),
    "volumes seen from the wrong side": (
        "gan/voxel_gan.py",
        "permute(0, 3, 2, 1)",
        "permute(0, 3, 1, 2)",
        "voxel_gan",
        "view or sides",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", DEFECTS)
def test_a_planted_defect_turns_its_test_red(what, goes_red):
    file, code, defect, tests, words = DEFECTS[what]
    goes_red(f"zoo/{file}", code, defect, f"tests/zoo/models/test_{tests}.py", "-k", words)
