"""The demos run, write their pictures, and print the numbers that they claim: the lecture's, the book's,
hand-worked ones. They run at reduced size (CYCONV_DEMO=small), where they have one.
"""

import re
import runpy
from pathlib import Path

import pytest

import cyconv

plt = pytest.importorskip("matplotlib.pyplot")
pytest.importorskip("skimage")
pytest.importorskip("sklearn")

FOLDER = Path(__file__).parent.parent / "demos"
DEMOS = sorted(FOLDER.glob("[0-9]*.py"))
pytestmark = pytest.mark.filterwarnings("ignore:MNIST itself was not found")


@pytest.fixture
def demo(monkeypatch, tmp_path, capsys):
    """Runs a demo by its number and returns what it printed; its pictures must be there, and no others."""

    def run(number):
        (path,) = FOLDER.glob(f"{number}_*.py")
        monkeypatch.setenv("CYCONV_DEMO", "small")
        cyconv.set_num_threads(1)  # the same bytes, and no quarrel over few cores
        monkeypatch.setattr("sys.argv", [str(path), str(tmp_path / "pictures")])
        with plt.rc_context({"backend": "agg"}):
            runpy.run_path(str(path), run_name="__main__")
            plt.close("all")
        named = re.findall(r'folder / "(.+?\.png)"', path.read_text())
        pictures = sorted((tmp_path / "pictures").iterdir())
        assert [p.name for p in pictures] == sorted(named) and named
        assert all(p.name.startswith(number) and p.stat().st_size > 5000 for p in pictures)
        return capsys.readouterr().out

    return run


def numbers(said, label):
    """The numbers in the one printed line that begins with `label`."""
    (line,) = (line for line in said.splitlines() if line.startswith(label))
    found = re.findall(r"-?\d[\d,]*\.?\d*(?:e[-+]\d+)?%?", line[len(label) :])
    return [float(n.rstrip("%").replace(",", "")) / (100 if n.endswith("%") else 1) for n in found]


@pytest.mark.parametrize("path", DEMOS, ids=lambda path: path.stem)
def test_a_demo_opens_as_a_notebook_and_is_in_the_index_and_has_a_test(path):
    text = path.read_text()
    assert text.startswith("# %% [markdown]\n# # ")
    for cell in re.findall(r"# %% \[markdown\]\n(.*?)(?=\n+# %%|\Z)", text, re.DOTALL):
        assert all(line.startswith("#") for line in cell.splitlines()), cell
    assert f"]({path.name})" in (FOLDER / "README.md").read_text()
    assert any(name.startswith(f"test_{path.stem[:2]}_") for name in globals())


def test_01_the_cnn_knows_what_moved(demo):
    said = demo("01")
    assert numbers(said, "MLP:")[0] == (18 * 18 + 1) * 64 + (64 + 1) * 10
    assert numbers(said, "CNN:")[0] == (9 + 1) * 16 + (9 * 16 + 1) * 16 + (16 + 1) * 10
    mlp, cnn = (numbers(said, f"{name}, test accuracy:") for name in ("MLP", "CNN"))
    assert min(mlp[0], cnn[0]) > 0.95
    assert mlp[1] < 0.4 and cnn[1] == cnn[0]
    assert mlp[2] > mlp[0] - 0.02 and cnn[2] < min(cnn[0], mlp[2]) - 0.02


def test_02_convolution_of_the_slide(demo):
    said = demo("02")
    assert "y 5 8 7 12 7\n" in said
    assert "np.convolve with f turned round 5 8 7 12 7\n" in said
    before, after, nine = numbers(said, "mean step from pixel to pixel:")
    assert after < 0.6 * before


def test_03_three_of_five_outputs_and_growing_fields(demo):
    said = demo("03")
    # 5 * 3 minus the two that lie outside; figure 9.3.
    assert "convolution: 13 connections; the third input reaches 3 of 5 outputs\n" in said
    assert "dense: 25 connections; the third input reaches 5 of 5 outputs\n" in said
    assert "the third output of two layers sees 3 units of the first layer and 5 inputs\n" in said
    # 1 + 4 * 2, and 1 + 2 * (1 + 2 + 4 + 8)
    assert "the middle output sees, with stride 1: 9 inputs\n" in said
    assert "the middle output sees, with stride 2: 31 inputs\n" in said


def test_04_the_efficiency_table(demo):
    said = demo("04")
    assert "matrix @ x = [ 5.  8.  7. 12.  7.]\n" in said
    assert "uses of each weight of the convolution: 11 12 11\n" in said
    assert "most uses of a weight of the dense layer: 1\n" in said
    assert numbers(said, "convolution ") == [2, 319 * 280 * 3]
    floats, operations = numbers(said, "dense ")
    assert floats == 319 * 280 * 320 * 280 and operations > 16e9
    assert numbers(said, "sparse ") == [2 * 319 * 280, 267_960]
    assert numbers(said, "largest difference of matrix and window:")[0] < 1e-6


def test_05_edges_are_differences(demo):
    said = demo("05")
    assert "output: 280 x 319\n" in said
    assert numbers(said, "largest difference from np.diff:") == [0]
    # 14 stripes of 320 pixels; the first touches the upper edge: 27 borders.
    assert f"0 pixels differ from their left neighbour, {27 * 320:,} from the one above" in said


def test_06_stride_and_padding_of_the_slide(demo):
    said = demo("06")
    for line in ("plain: 5 8 7 12 7", "stride of 2: 5 7 7", "zero padding of 1: 2 5 8 7 12 7 1",
                 "both: 2 8 12 1", "same: 5 8 7 12 7 1"):  # fmt: skip
        assert line + "\n" in said
    assert re.findall(r"\+ 1\) = (\d)\n", said) == ["5", "3", "7", "4"]


def test_07_planes_colours_and_films(demo):
    said = demo("07")
    assert "[[-4. -4.]\n [-4. -4.]]" in said
    # (1+2+5+6, 3+4+7+8, 9+10+13+14, 11+12+15+16)
    assert "sums of 2x2, stride 2: 14 22 46 54\n" in said
    assert "sharpened: kernel (3, 3, 3, 3), (400, 400, 3) -> (398, 398, 3)\n" in said
    assert numbers(said, "largest difference of grey from the weighted sum:")[0] < 1e-12
    assert "film (24, 128, 128) -> motion (23, 128, 128)\n" in said
    assert numbers(said, "rows that the square never touches: largest change") == [0]
    # three columns before the square and three behind, 20 rows each
    assert numbers(said, "pixels that change from one frame to the next: at most")[0] == 2 * 3 * 20


def test_08_the_formula_is_always_right(demo):
    said = demo("08")
    assert "floor((28 + 2*2 - 5) / 2 + 1) = 14" in said and "floor((28 + 2*0 - 3) / 1 + 1) = 26" in said
    assert "the formula is right in 243 of 243 cases\n" in said


def test_09_activations_and_their_slopes(demo):
    said = demo("09")
    assert numbers(said, "largest difference of two linear layers from one:")[0] < 1e-12
    assert numbers(said, "largest difference from a difference quotient, of 20 activations:")[0] < 1e-6
    assert "sigmoid: slope at most 0.2500; ten in a row 9.5e-07\n" in said  # 4 ** -10
    assert "relu: slope at most 1.0000; ten in a row 1.0e+00\n" in said


def test_10_half_of_the_pooled_outputs_stay(demo):
    said = demo("10")
    assert "inputs that change: 4 of 4\n" in said
    assert "pooled outputs that change: 2 of 4\n" in said
    assert "stride 2: [1.  0.2 0.1]\n" in said
    pixels, means, maxima = (numbers(said, f"{w} that change:")[0] for w in ("pixels", "means", "maxima"))
    assert maxima < 0.6 * pixels and maxima < means < pixels


def test_11_three_architectures_and_sizes_never_seen(demo):
    said = demo("11")
    trunk = (9 * 3 + 1) * 64 + (9 * 64 + 1) * 64
    assert numbers(said, "fixed_size:") == [trunk + (16 * 16 * 64 + 1) * 1000]
    for name in ("variable_size", "fully_convolutional"):
        assert numbers(said, f"{name}:") == [trunk + (9 * 64 + 1) * 1000]
    assert "fixed_size, 32x32: refused\n" in said and "fixed_size, 64x64: refused\n" in said
    assert numbers(said, "fixed_size, 48x48:")[0] > 0.9
    for size in (32, 48, 64):
        assert numbers(said, f"variable_size, {size}x{size}:")[0] > 0.85
        assert numbers(said, f"fully_convolutional, {size}x{size}:")[0] > 0.6


def test_12_every_parameter_is_counted(demo):
    said = demo("12")
    assert "counted 61,706; the model says 61,706\n" in said
    for name, count in (("lenet5", 61_706), ("mnist_convnet", 34_826), ("resnet20", 269_722),
                        ("intel_unet2d", 1_940_817)):  # fmt: skip
        assert f"{name}: {count:,} trained parameters\n" in said
    # (5*5*1 + 1) * 6 + (5*5*6 + 1) * 16 = 2,572 of 61,706
    assert "the convolutions' share of the parameters: 4%\n" in said
    assert numbers(said, "the convolutions' share of the operations:")[0] > 0.8


def test_13_deconvnet_leads_back_to_the_bar(demo):
    said = demo("13")
    # 3 * (1 + 1) = 6; back through 3 and the two ones: 6 * 3 on both pixels of the bar
    bar, empty = "[ 0.  0. 18.  0.  0.  0.]", "[ 0.  0.  0.  0.  0.  0.]"
    assert "answer 6; projection\n[" + "\n ".join([bar, bar, *[empty] * 4]) + "]\n" in said
    assert numbers(said, "test accuracy:")[0] > 0.95
    # a 3x3 window over pixels of 2x2 pooled 3x3 windows: 3 + 1 + 2 * 2
    assert "projections: 18; a unit of the second layer sees at most 8 x 8 pixels\n" in said


def test_14_grad_cam_lies_on_the_digit(demo):
    said = demo("14")
    assert numbers(said, "test accuracy:")[0] > 0.85
    square, heat = numbers(said, "the digit's square is")
    assert square == 0.25 and heat > 0.5


def test_15_lime_finds_the_reason_that_is_known(demo):
    said = demo("15")
    assert float(said.split("with the truth ")[1].split()[0]) > 0.99
    assert "the strongest superpixel is the right one: True\n" in said
    assert "the same seed gives the same weights: True\n" in said


def test_16_batch_norm_takes_a_third_of_the_steps(demo):
    said = demo("16")
    assert numbers(said, "largest difference of the running statistics from the formula:")[0] < 1e-5
    assert numbers(said, "mean after")[:2] == [0, 0]
    plain, normalised = numbers(said.replace("plain ", "").replace("batch norm ", ""), "steps to reach it:")
    assert numbers(said, "best accuracy of the plain network:")[0] > 0.8
    assert normalised <= plain / 3


def test_17_three_remedies_against_overfitting(demo):
    said = demo("17")
    dropped, zero, others, mean = numbers(said, "dropout in training:")
    assert 0.48 <= dropped <= 0.52 and zero == 0 and others == 2 and 0.96 <= mean <= 1.04  # 10,000 draws
    assert "dropout in testing: all are 1\n" in said
    best, _, last = numbers(said, "test loss without remedy:")
    assert best < 0.9 * last
    accuracy = {name: numbers(said, f"test accuracy, {name}:")[0]
                for name in ("no remedy", "dropout", "weight decay", "early stopping")}  # fmt: skip
    worst = accuracy.pop("no remedy")
    assert all(value > worst + 0.02 for value in accuracy.values()), accuracy


def test_18_the_residual_network_trains_where_the_plain_one_does_not(demo):
    said = demo("18")
    assert "f = 0: largest difference of output and input 0\n" in said
    assert numbers(said, "f(x) + Wx: (4, 16) -> (4, 6), largest difference from the formula")[0] < 1e-6
    assert numbers(said, "plain: ")[0] == numbers(said, "residual: ")[0]
    plain, residual = (numbers(said, f"{name}, accuracy: ") for name in ("plain", "residual"))
    assert plain[0] < 0.4 and residual[0] > 0.8 and residual[1] > 0.7


def test_19_a_unet_beats_the_threshold_where_the_light_is_uneven(demo):
    said = demo("19")
    threshold, fixed, varied = (
        numbers(said, f"overlap on the left half, {name}:")[0]
        for name in ("threshold (Otsu)", "U-Net, light as it is", "U-Net, light varied")
    )
    assert threshold < 0.75 and varied > 0.9 and varied > fixed > threshold


def test_20_all_backends_agree(demo):
    said = demo("20")
    largest = numbers(said, "largest answer:")[0]
    lines = [line for line in said.splitlines() if "largest difference" in line]
    assert len(lines) >= 5
    for line in lines:
        assert float(line.split("largest difference")[1]) < 1e-5 * largest, line
    assert "one and two threads give the same bytes: True\n" in said
    assert "layers that differ by more than rounding allows: 0\n" in said


def test_21_a_unet_tells_cells_apart_better_than_a_threshold(demo):
    said = demo("21")
    assert "SYNTHETIC" in said
    majority = numbers(said, "pixel accuracy of calling all of it inside:")[0]
    grey, one, eight = (
        numbers(said.replace("8 views", "views"), f"{name}: V_Rand")
        for name in ("grey value", "U-Net, one view", "U-Net, mean of views")
    )
    assert 0.7 < majority < grey[3] < min(one[3], eight[3])
    assert grey[0] + 0.05 < min(one[0], eight[0])
    assert grey[2] > max(one[2], eight[2])
