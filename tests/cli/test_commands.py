from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.toy import Run, ToySimulator, results, simulate_with
from tme_abm.biology.loader import load_catalogue
from tme_abm.cli.progress import run_line
from tme_abm.report.style.numbers import short
from tme_abm.runs.results import read_manifest
from tme_abm.runs.walk import Progress

ROOT = Path(__file__).parents[2]
SHORT = ("--days", "0.2")
COMMANDS = (
    *("run", "compare", "batch", "status", "sensitivity", "claims", "reproduce", "levels", "calibrate", "export"),
    *("spatial", "validate", "explain", "sources", "schema", "bench", "verify", "view"),
)


def test_run_ends_with_a_table_and_the_directory(tme: Run, tmp_path: Path) -> None:
    code, out, err = tme("run", "hot", "--seed", "7", *SHORT, "--out", "a", "--set", "clock.dt=20 min")
    assert code == 0
    assert "hot, seed 7, day 0.2: " in out
    assert out.splitlines()[-1] == "a"
    assert "day 0.00 of 0.2" in err
    manifest = read_manifest(tmp_path / "a")
    assert (manifest["seed"], manifest["days"], manifest["steps"]) == (7, 0.2, 15)
    assert 'dt = "20 min"' in (tmp_path / "a/scenario.resolved.toml").read_text()


def test_run_without_a_directory_takes_a_free_one(tme: Run) -> None:
    assert tme("run", "hot", *SHORT)[1].splitlines()[-1] == "results/hot-seed1"
    assert tme("run", "hot", *SHORT)[1].splitlines()[-1] == "results/hot-seed1-2"


def test_quiet_says_only_results(tme: Run) -> None:
    code, out, err = tme("run", "hot", *SHORT, "--quiet")
    assert (code, err) == (0, "")
    assert "results/hot-seed1" in out


def test_a_failed_run_is_one_line_with_its_log_and_can_go_on(
    tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulate_with(monkeypatch, ToySimulator(fails_at=20))
    code, out, err = tme("run", "hot", *SHORT, "--out", "a", "--quiet")
    assert (code, out) == (1, "")
    assert err == "error: ZeroDivisionError: no cells left to divide by (full trace in a/run.log)\n"
    simulate_with(monkeypatch, ToySimulator())
    assert tme("run", "--resume", "a")[0] == 0
    assert tme("run", "hot", *SHORT, "--out", "b")[0] == 0
    assert results(tmp_path / "a") == results(tmp_path / "b")


def test_what_is_unexpected_is_told_in_one_line_too(tme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("tme_abm.runs.run.run", broken)
    code, _, err = tme("run", "hot", "--quiet")
    assert code == 1
    assert err.startswith("error: KeyError: 'x' (unexpected; full trace in ")
    log = Path(err.rpartition(" in ")[2].strip(")\n"))
    assert "Traceback" in log.read_text()
    log.unlink()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "name a scenario"),
        (["run", "hit"], "no scenario 'hit'.*Did you mean 'hot'"),
        (["run", "missing.toml"], "missing.toml: no such file"),
        (["run", "text.toml"], "text.toml"),
        (["run", "hot", "--set", "clock.dt=5"], "clock.dt"),
        (["run", "hot", "--set", "clok.dt=5 min"], "Did you mean 'clock'"),
        (["run", "hot", "--days", "-3"], "positive number of days"),
        (["run", "hot", "--days", "nan"], "positive number of days"),
        (["run", "hot", "--days", "1e300"], "at most 100,000, not 1e"),
        (["run", "hot", "--days", "week"], "--days.*valid number"),
        (["run", "hot", "--seed", "-3"], "--seed.*greater than or equal to 0"),
        (["run", "hot", "--seed", "99999999999999999999"], "seed: a seed lies between 0 and 18446744073709551615"),
        (["run", "typo.toml"], r"typo.toml: tumor.cels: unknown key. Allowed: cells, traits. Did you mean 'cells'\?"),
        (["run", "hot", "--out", "full"], "full: the directory is not empty and holds no run"),
        (["run", "hot", "--out", "text.toml"], "text.toml: is a file"),
        (["run", "hot", "--out", "text.toml/a"], "text.toml/a: cannot be a directory: text.toml is a file"),
        (["run", "hot", "--out", "/proc/a"], "/proc/a: cannot "),
        (["run", "--resume", "full"], "full: is not the directory of a run"),
        (["run", "--resume", "nowhere"], "nowhere: there is no such directory"),
        (["run", "--resume", "run", "--out", "b"], "--out: is for a new run"),
        (["run", "cold", "--resume", "run"], "run: holds a run of another scenario"),
        (["run", "--resume", "run", "--seed", "3"], "run: holds a run with seed 1, not 3"),
        (["run", "--resume", "run", "--days", "0.1"], "run: the run is of 0.2 days and cannot end at 0.1"),
        (["run", "--resume", "run", "--set", "clock.dt=5 min"], "--set: needs the scenario"),
        (["run", "hot", "--out", "run"], "run: holds a run already"),
        (["run", "--from", "nowhere"], "nowhere: there is no such directory"),
        (["run", "--from", "run", "--days", "0.1"], "run: branches at day 0.201389 and would end at day 0.1"),
        (["run", "--from", "run", "--at", "0.1"], "run: keeps no state of day 0.1 to branch from, only of"),
        (["run", "--from", "run", "--seed", "2"], "--seed: a branch keeps the seed of its run, 1"),
        (["run", "hot", "--from", "run"], "SCENARIO: a branch has the scenario of its run"),
        (["run", "--resume", "run", "--from", "run"], "--resume: a branch has the scenario of its run"),
        (["run", "hot", "--at", "1"], "--at: says where to branch off"),
        (["run", "--from", "run", "--days", "1", "--set", "clock.dt=5 min"], "cannot change from 10 min to 5 min at"),
        (["run", "--from", "run", "--days", "1", "--protocol", "text.toml"], "text.toml: line 1, column 6: not valid"),
        (["run", "hot", "--protocol", "nowhere.toml"], "nowhere.toml: no such file"),
        (["run", "--resume", "run", "--protocol", "text.toml"], "--protocol: needs the scenario"),
        (["compare", "run", "cold"], "cold: is not the directory of a run"),
        (["compare", "run"], "run: .*these are all runs of 'hot'|these are all runs of 'hot'"),
        (["compare", "run", "run", "--replicates", "3"], "--replicates: the runs have their scenarios and seeds"),
        (["compare", "run", "run", "--at", "1"], "--at: finished runs are compared as they are"),
        (["compare", "--arms", "text.toml"], "text.toml: name the directories of the runs"),
        (["compare", "--arms", "text.toml", "run"], "text.toml: line 1, column 6: not valid TOML"),
        (["compare", "hot", "cold", "--at", "1"], "--at: says where the arms branch off"),
        (["compare"], "nothing to compare"),
        (["compare", "hot"], "a comparison needs two scenarios or more, and 'hot' is one"),
        (["compare", "hot", "hit"], "no scenario 'hit'.*Did you mean 'hot'"),
        (["compare", "hot", "cold", "--seed", "18446744073709551615"], "seed: a seed lies between 0 and"),
        (["compare", "hot", "cold", "--out", "text.toml/a"], "text.toml/a: cannot create the directory"),
        (["compare", "hot", "cold", "--out", "/proc/a"], "/proc/a: cannot "),
        (["compare", "hot", "cold", "--out", "full"], "full: the directory is not empty"),
        (["compare", "hot", "--swap", "cold"], "go together"),
        (["compare", "hot", "--swap", "cold", "--into", "hot"], "leave out the others"),
        (["calibrate", "--budget", "0"], "budget: at least one"),
        (["calibrate", "--jobs", "0"], "'--jobs': Input should be greater than or equal to 1"),
        (["calibrate", "--days", "-1"], "days: the first target is of day"),
        (["calibrate", "--shape", "5"], "error: shape: too small for its tumor"),
        (["calibrate", "--seed", "18446744073709551615"], "seed: a seed lies between 0 and"),
        (["calibrate", "--check", "--out", "full"], "full: "),
        (["validate", "hot", "hit"], "Did you mean 'hot'"),
        (["validate", "text.toml"], "text.toml: line 1, column 6: not valid TOML"),
        (["sources", "--basis", "mesured"], "Did you mean 'measured'"),
        (["run", "hot", "--set", "clock.dt=-5 min"], "clock.dt=-5 min: clock.dt: should be above 0, not '-5 min'"),
        (["run", "hot", "--set", "clock.dt=5 um"], "clock.dt: '5 um' is a length, not a time; expected a time such as"),
        (["run", "hot", "--set", "blood.CD8.renewal=-1 /day"], "blood.CD8.renewal: should be 0 or more, not '-1 /day'"),
        (["run", "hot", "--set", "tumor.traits.mhc1=3"], "tumor.traits.mhc1: should be between 0 and 1, not 3"),
        (["run", "hot", "--set", "lattice.shape=[20,20]"], "lattice.shape: too small for its tumor: 700 cells"),
        (["run", "full"], "full: this is a directory, not a TOML file"),
        (["run", "itself.toml"], "itself.toml: extends: the scenario extends itself"),
        (["compare", "hot", "hot"], "two scenarios are called 'hot'"),
        (["compare", "hot", "cold", "--replicates", "0"], "at least one replicate"),
        (["compare", "hot", "cold", "--jobs", "0"], "'--jobs': Input should be greater than or equal to 1"),
        (["compare", "hot", "cold", "--days", "-1"], "days: .*positive number of days"),
        (["compare", "hot", "cold", "--seed", "-1"], "--seed.*greater than or equal to 0"),
        (["compare", "--swap", "hot", "--into", "hot"], "do not differ in any trait"),
        (["explain", "hit"], "Did you mean 'hot'"),
        (["sources", "--json", "--csv"], "choose one"),
        (["simulate", "hot"], "No such command"),
        (["run", "hot", "--seeds", "4"], "No such option"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tme: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.txt").write_text("mine")
    (tmp_path / "text.toml").write_text("This is no TOML.")
    (tmp_path / "itself.toml").write_text('extends = "itself.toml"')
    (tmp_path / "typo.toml").write_text('extends = "hot"\n[tumor]\ncels = 7')
    if "run" in arguments[1:]:
        tme("run", "hot", *SHORT, "--out", "run")
    before = results(tmp_path)
    code, out, err = tme(*arguments)
    assert code == 2
    assert "valid" in out or not out
    assert err.count("error: ") + err.count("─ Error ─") == 1
    assert re.search(message, err), err
    assert results(tmp_path) == before


def test_compare_prints_a_table_and_where_things_are(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tme_abm.report.comparison.write_comparison", lambda directory: directory / "report.html")
    code, out, err = tme("compare", "cold", "hot", *SHORT, "--replicates", "2", "--out", "a")
    assert code == 0
    assert out.splitlines()[-2:] == ["a/report.html", "a/comparison.json"]
    assert "4 of 4 runs ended" in err
    found = json.loads((tmp_path / "a/comparison.json").read_text())
    core = found["scenarios"]["hot"]["metrics"]["CD8 core"]
    assert f"{short(core['mean'])} [{short(core['ci95'][0])}, {short(core['ci95'][1])}]" in out
    assert "kills per engaged day" in out


def test_a_branch_and_its_run_are_compared(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tme_abm.report.comparison.write_comparison", lambda directory: directory / "report.html")
    (tmp_path / "drug.toml").write_text('[[protocol]]\ndo = "block"\nreceptor = "PD1"\nfraction = 0.9\n')
    (tmp_path / "arms.toml").write_text('[arms.control]\n[arms.drug]\nprotocol = "drug.toml"\n')
    tme("run", "hot", *SHORT, "--out", "a", "--set", 'record.checkpoints="0.1 day"')
    code, out, _ = tme("run", "--from", "a", "--at", "0.1", *SHORT, "--protocol", "drug.toml", "--set", "name=drug")
    assert code == 0
    assert "drug, seed 1, day 0.2: " in out
    assert out.splitlines()[-1] == "results/drug-seed1-from-day0.1042"
    manifest = read_manifest(tmp_path / "results/drug-seed1-from-day0.1042")
    assert (manifest["branched_from"]["step"], manifest["steps"]) == (15, 29)
    code, out, _ = tme("compare", "a", "results/drug-seed1-from-day0.1042", "--out", "b")
    assert code == 0
    assert out.splitlines()[-2:] == ["b/report.html", "b/comparison.json"]
    found = json.loads((tmp_path / "b/comparison.json").read_text())
    assert list(found["scenarios"]) == ["hot", "drug"]
    assert found["branched"]["days"] == [manifest["branched_from"]["time_day"]]
    code, out, err = tme("compare", "--arms", "arms.toml", "--at", "0.1", "a", *SHORT)
    assert (code, out.splitlines()[-1]) == (0, "results/arms-arms/comparison.json")
    assert "2 of 2 runs ended" in err
    arms = json.loads((tmp_path / "results/arms-arms/comparison.json").read_text())
    ends = [one["metrics"]["CD8 core"]["values"] for kind in (found, arms) for one in kind["scenarios"].values()]
    assert ends[:2] == ends[2:]
    assert ends[0] != ends[1]


def test_a_new_run_takes_a_protocol_too(tme: Run, tmp_path: Path) -> None:
    (tmp_path / "drug.toml").write_text('[[protocol]]\ndo = "block"\nreceptor = "PD1"\nfraction = 0.9\n')
    assert tme("run", "hot", *SHORT, "--out", "a", "--protocol", "drug.toml")[0] == 0
    assert 'receptor = "PD1"' in (tmp_path / "a/scenario.resolved.toml").read_text()


def test_compare_names_what_failed_and_reports_the_rest(tme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tme_abm.report.comparison.write_comparison", lambda directory: directory / "report.html")
    simulate_with(monkeypatch, ToySimulator(fails_at=3, fails_for="hot"))
    code, out, err = tme("compare", "cold", "hot", *SHORT, "--replicates", "1", "--out", "a", "--quiet")
    assert code == 1
    assert "1 failed" in out
    assert "a/report.html" in out
    assert err.startswith("error: hot, seed 1: ZeroDivisionError: no cells left to divide by (full trace in a/runs/")


def test_swap_prints_a_line_a_variant(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tme_abm.report.comparison.write_comparison", lambda directory: directory / "report.html")
    code, out, _ = tme("compare", "--swap", "cold", "--into", "hot", *SHORT, "--replicates", "1")
    assert code == 0
    content = json.loads((tmp_path / "results/swap-cold-into-hot/comparison.json").read_text())
    groups = [one["group"] for one in content["swap"]["variants"]]
    assert groups[-1] == "all traits"
    lines = ["hot as it is", *(f"with {group} of cold" for group in groups), "cold as it is"]
    assert all(line in out for line in lines)


def test_validate_says_what_it_read(tme: Run) -> None:
    code, out, _ = tme("validate", "hot", "--set", "clock.days=3")
    assert code == 0
    assert out.startswith("hot: valid.")
    assert "3 days in steps of 10 min" in out
    assert 'name = "hot"' in tme("validate", "hot", "--resolved")[1]


def test_explain_and_schema(tme: Run) -> None:
    assert "CD8" in tme("explain", "hot")[1]
    assert "tumor" in json.loads(tme("schema")[1])["properties"]


def test_sources_lists_every_number(tme: Run) -> None:
    expected = [place for place, _ in load_catalogue().parameters()]
    found = json.loads(tme("sources", "--json")[1])
    assert [one["place"] for one in found] == expected
    rows = list(csv.DictReader(io.StringIO(tme("sources", "--csv")[1])))
    assert [row["place"] for row in rows] == expected
    assert [row["unit"] for row in rows] == [one["unit"] for one in found]
    assert {one["prior"] for one in found} == {"log-normal", "logit-normal", "fixed"}
    speed = next(one for one in found if one["place"] == "cell.CD8.behaviors.speed")
    assert float(speed["prior_low"]) < float(speed["value"]) < float(speed["prior_high"])
    assert {one["together"] for one in found} - {""} < set(expected)
    assumed = json.loads(tme("sources", "--json", "--basis", "assumed")[1])
    assert assumed == [one for one in found if one["basis"] == "assumed"]
    counted = tme("sources")[1].splitlines()[-1]
    assert counted.startswith(f"{len(expected)} numbers: ")
    assert f" {len(assumed)} assumed" in counted
    assert sum(int(part.split()[0]) for part in counted.partition(": ")[2].split(", ")) == len(expected)
    published = json.loads(tme("sources", "--json", "--references")[1])
    assert {source for one in found for source in one["source"]} <= {one["id"] for one in published}


def test_sources_lists_what_looks_wrong(tme: Run, tmp_path: Path) -> None:
    pack = tmp_path / "mine.toml"
    pack.write_text('[reference.mine]\ntitle = "Ours"\nyear = 2026\nurl = "https://our-lab.org"\n')
    code, out, _ = tme("sources", "--check", "--json", "--find", "mine.toml", "--catalogue", str(pack))
    assert code == 1
    assert {"file": "mine.toml", "place": "reference.mine", "what": "nobody cites it"} in json.loads(out)
    code, out, _ = tme("sources", "--check", "--find", "nothing like it")
    assert (code, out.splitlines()[-1]) == (0, "0 findings")
    assert tme("sources", "--check", "--references")[0] == 2


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(tme: Run, command: str) -> None:
    code, out, _ = tme(*command.split(), "--help")
    assert code == 0
    assert "Usage" in out


def test_the_list_of_commands_has_whole_sentences(tme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = tme("--help")[1].partition("─ Commands ─")[2]
    said = re.findall(r"^│ (\w+) .*\. *│$", commands, re.MULTILINE)
    assert set(said) == set(COMMANDS)
    assert commands.count("\n│") == len(said)


def test_a_manifest_of_the_wrong_kind_is_no_crash(tme: Run, tmp_path: Path) -> None:
    tme("run", "hot", *SHORT, "--out", "a")
    manifest = tmp_path / "a/manifest.json"
    manifest.write_text(manifest.read_text().replace('"days": 0.2', '"days": "long"'))
    code, _, err = tme("run", "--resume", "a")
    assert (code, err) == (2, "error: a/manifest.json: is not a run's manifest: no such days.\n")


def test_a_full_disk_is_told_and_results_stay(tme: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tme("run", "hot", *SHORT, "--out", "a")
    before = results(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    code, out, err = tme("run", "hot", *SHORT, "--out", "b", "--quiet")
    assert (code, out, err) == (2, "", "error: b: cannot write the file: No space left on device.\n")
    assert results(tmp_path) == before


def test_version(tme: Run) -> None:
    assert tme("--version")[1].startswith("tme_abm ")


def test_a_tumor_that_cannot_be_judged_is_called_that(tme: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToySimulator, "classify", lambda *_: "none")
    assert "day 0.2: tumor cells too few or too scattered to tell hot from cold" in tme("run", "hot", *SHORT)[1]


def test_the_line_while_running() -> None:
    now = Progress(
        step=72,
        steps=144,
        day=0.5,
        days=1,
        measures={"tumor cells": 1500, "CD8 cells": 500},
        steps_per_second=2.4,
    )
    assert run_line(now) == "day 0.50 of 1  tumor 1,500  CD8 500  2.4 steps/s  5 k cell-steps/s  0:30 left"


def launch(*arguments: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a shell are deaf to Ctrl-C, and so would be what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **more,  # type: ignore[call-overload]
    )


def test_a_closed_pipe_is_no_error() -> None:
    process = launch("sources", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    process = launch("run", "hot", "--out", "a", "--quiet", cwd=tmp_path)
    while not (tmp_path / "a/series.csv").exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert err == "interrupted; go on with: run --resume a\n"
