"""Where reports go."""

import os
import stat
from pathlib import Path

from history.reports.files import Form, opened_output
from tests.history.reports.outputs.test_output import HEADING, outcome


def test_a_pipe_or_a_device_is_written_to_and_stays_what_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "report.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        with opened_output(Form.CSV, pipe) as output:
            output.begin(HEADING)
            output.end(outcome())
        assert os.read(reader, 1_000) == b"name,count,amount,at,day\r\n"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == ["report.csv"]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("of yesterday")
    (tmp_path / "report.csv").symlink_to("target")
    with opened_output(None, tmp_path / "report.csv") as output:
        output.begin(HEADING)
        output.end(outcome())
    assert (tmp_path / "target").read_bytes() == b"name,count,amount,at,day\r\n"
    assert os.readlink(tmp_path / "report.csv") == "target"
