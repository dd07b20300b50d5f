"""Where reports go."""

import os
import stat
from pathlib import Path

import pytest

from history.reports.files import Form, opened_output
from history.reports.source import ReportError
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


@pytest.mark.parametrize("name", ["a.pdf", "a.csv.gz", "a.CSVX"])
def test_a_suffix_that_says_no_form_is_refused_with_those_that_do(
    tmp_path: Path, name: str
) -> None:
    known = r"\.csv, \.parquet, \.html, \.htm, \.json, \.txt"
    with pytest.raises(ReportError, match=known), opened_output(None, tmp_path / name):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_a_text_is_a_table_and_a_form_that_is_said_needs_no_suffix(
    tmp_path: Path, name: str
) -> None:
    for form, begin in ((None, "Evil <i>, as of"), (Form.CSV, "name,")):
        with opened_output(form, tmp_path / name) as output:
            output.begin(HEADING)
            output.end(outcome())
        assert (tmp_path / name).read_text().startswith(begin)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("of yesterday")
    (tmp_path / "report.csv").symlink_to("target")
    with opened_output(None, tmp_path / "report.csv") as output:
        output.begin(HEADING)
        output.end(outcome())
    assert (tmp_path / "target").read_bytes() == b"name,count,amount,at,day\r\n"
    assert os.readlink(tmp_path / "report.csv") == "target"
