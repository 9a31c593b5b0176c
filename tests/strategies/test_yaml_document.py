"""Reading YAML: substitution from the environment, line numbers, and traps of YAML 1.1 that are closed."""

from __future__ import annotations

from textwrap import dedent

import pytest

from strategies.yaml_document import read_yaml

ENVIRON = {"HOST": "example.org", "DIGITS": "0123", "EMPTY": ""}


def data(text: str) -> object:
    document = read_yaml(dedent(text), environ=ENVIRON)
    assert document.faults == []
    return document.data


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("${HOST}", "example.org"),
        ("http://${HOST}:80/x", "http://example.org:80/x"),
        ("${NOBODY:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${HOST:-fallback}", "example.org"),
        ("'${NOBODY:-}'", ""),
        # An API key of digits is text; 0123 would be an octal number.
        ("${DIGITS}", "0123"),
        ("$${HOST}", "${HOST}"),
        ("costs $5", "costs $5"),
    ],
)
def test_variables_are_put_in(written: str, read: str) -> None:
    assert data(f"key: {written}") == {"key": read}


def test_a_missing_variable_is_named_with_path_and_mend() -> None:
    document = read_yaml("a:\n  b: ${NOBODY}\n", environ={})
    (fault,) = document.faults
    assert fault.path == "a.b"
    assert "NOBODY is not set" in fault.message
    assert "${NOBODY:-default}" in fault.message


@pytest.mark.parametrize("written", ["${}", "${1X}", "${HOST", "${HOST-x}"])
def test_a_malformed_variable_is_not_passed_through(written: str) -> None:
    (fault,) = read_yaml(f"a: '{written}'", environ=ENVIRON).faults
    assert "neither ${NAME} nor ${NAME:-default}" in fault.message


def test_off_is_a_word_and_true_is_a_truth_value() -> None:
    assert data("on_range_left: off\npost_only: true\nsides: [yes, no, on]\n") == {
        "on_range_left": "off",
        "post_only": True,
        "sides": ["yes", "no", "on"],
    }


def test_every_path_knows_its_line() -> None:
    document = read_yaml(
        dedent(
            """\
            bots:
              eth:
                config:
                  lower: 5

                  upper: 4
              btc: {config: {lower: 1}}
            """
        ),
        environ={},
    )
    assert document.line_of("bots.eth.config.upper") == 6
    assert document.line_of("bots.btc.config.lower") == 7
    # What is missing is where it would have to be.
    assert document.line_of("bots.eth.config.grids") == 3


def test_a_key_that_stands_twice_is_refused() -> None:
    (fault,) = read_yaml("a: 1\nb:\n  c: 1\n  c: 2\n", environ={}).faults
    assert (fault.path, fault.message) == ("b.c", "c stands here 2 times; keep one.")


def test_anchors_may_be_shared_and_overridden() -> None:
    assert data(
        """
        shared: &shared {grids: 40, direction: long}
        bot: {<<: *shared, grids: 20}
        """
    ) == {"shared": {"grids": 40, "direction": "long"}, "bot": {"grids": 20, "direction": "long"}}


def test_an_alias_inside_of_itself_is_refused() -> None:
    (fault,) = read_yaml("a: &a [1, *a]\n", environ={}).faults
    assert "alias" in fault.message


def test_text_that_is_no_yaml_says_where() -> None:
    (fault,) = read_yaml("bots:\n  eth: [1, 2\n", environ={}).faults
    assert fault.message.startswith("This is not YAML in line 3")


def test_code_in_a_document_is_not_run() -> None:
    (fault,) = read_yaml("a: !!python/object/apply:os.getcwd []\n", environ={}).faults
    assert "python/object" in fault.message
