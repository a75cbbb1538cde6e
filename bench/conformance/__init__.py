"""The conformance suite: every entry of the catalogue, built in or a plugin's, is held to the laws of its kind."""

from bench.conformance.check import Checked, check, check_name, check_plugin, print_checked, to_json
from bench.conformance.laws import Verdict

__all__ = ["Checked", "Verdict", "check", "check_name", "check_plugin", "print_checked", "to_json"]
