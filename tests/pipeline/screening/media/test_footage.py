import json

import pytest

from pipeline.errors import StoreError
from pipeline.frames import FrameRate
from pipeline.screening.media.footage import footage, rate_of
from tests.pipeline.screening.numbered import HEIGHT, WIDTH, deliver


def test_a_delivery_tells_its_frames_rate_and_plate(tmp_path):
    made = deliver(tmp_path, FrameRate(24000, 1001), frames=3)

    assert (made.shot, made.version, str(made.frames)) == ("nn_010_0010", 1, "1001-1003")
    assert made.rate == FrameRate(24000, 1001)
    assert (made.width, made.height) == (WIDTH, HEIGHT)
    assert made.comp.path(1002).is_file()
    assert made.plate
    assert made.plate.path(1002).is_file()


def test_without_its_build_there_is_no_plate(tmp_path):
    made = deliver(tmp_path, FrameRate(24), frames=2)

    assert footage(made.comp.folder.parent, tmp_path / "elsewhere").plate is None


def test_a_changed_frame_changes_the_state(tmp_path):
    made = deliver(tmp_path, FrameRate(24), frames=2)
    before = made.state()

    file = made.comp.path(1002)
    file.write_bytes(file.read_bytes() + b" ")

    assert made.state() != before


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../../other"},
        {"version": "x"},
        {"frames": "all"},
        {"rate": "0"},
        {"rate": "1/0"},
    ],
)
def test_a_report_of_nonsense_is_refused_in_one_line(tmp_path, change):
    place = deliver(tmp_path, FrameRate(24), frames=1).comp.folder.parent
    told = json.loads((place / "report.json").read_text())
    told["shot"] |= change
    (place / "report.json").write_text(json.dumps(told))

    with pytest.raises(StoreError, match="Deliver the shot again") as caught:
        footage(place, tmp_path)

    assert "\n" not in str(caught.value)


def test_a_receipt_cannot_lead_out_of_its_folder(tmp_path):
    made = deliver(tmp_path, FrameRate(24), frames=1)
    receipt = tmp_path / "build/nn_010_0010/ingest/abc/receipt.json"
    receipt.write_text(receipt.read_text().replace("plate.%04d.exr", "../../../secret.%04d.exr"))

    assert footage(made.comp.folder.parent, tmp_path / "build/nn_010_0010").plate is None


def test_rates_are_ratios():
    assert rate_of("30000/1001") == FrameRate(30000, 1001)
    assert rate_of("25") == FrameRate(25)
    with pytest.raises(ValueError, match="out of range"):
        rate_of("0")
