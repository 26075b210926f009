# SPDX-License-Identifier: Apache-2.0
"""ttp attack show and ttp attack fetch as a person meets them. Usage: test_cli.py TTP SERVER"""
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TTP, SERVER = sys.argv[1:3]
CURL = len(sys.argv) < 4 or sys.argv[3] != "no-curl"


class Attack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([sys.executable, SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        cls.address = "http://127.0.0.1:%d" % int(cls.server.stdout.readline())

    @classmethod
    def tearDownClass(cls):
        cls.server.kill()
        cls.server.stdout.close()
        cls.server.wait()

    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.bundles = os.path.join(self.home.name, "ttp/attack")
        self.environment = {"PATH": os.environ["PATH"], "XDG_DATA_HOME": self.home.name}

    def ttp(self, *words, **environment):
        done = subprocess.run([TTP, "attack", *words], env=self.environment | environment, text=True, timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def test_show(self):
        rows = [
            ("a technique", ["T1059"], 0, ["Command and Scripting Interpreter", "TA0002     Execution",
                                           "T1059.004  Unix Shell", "built-in table"], ""),
            ("a sub-technique in lower case", ["t1059.004"], 0, ["Unix Shell", "T1059      Command"], ""),
            ("a tactic", ["TA0005"], 0, ["Defense Evasion", "T1070      Indicator Removal"], ""),
            ("one unknown of two", ["T9999", "T1105"], 1, ["Ingress Tool Transfer"], "T9999: is not in the built-in"),
            ("no id", ["T105\x1b[31m"], 1, [], "T105\\x1b[31m: is no id"),
            ("nothing", [], 2, [], "which id?"),
            ("an unknown form", ["--output", "xml", "T1059"], 2, [], "text or json"),
            ("a bundle that is not there", ["--attack-bundle", "/none", "T1059"], 1, [], "/none: cannot open"),
            ("a release that was not fetched", ["--attack-bundle", "18.1", "T1059"], 1, [], "ttp attack fetch"),
            ("another release of the built-in table", ["--attack-release", "19.0", "T1059"], 1, [], "is needed"),
        ]
        for says, words, status, parts, complaint in rows:
            with self.subTest(says):
                got, out, err = self.ttp("show", *words)
                self.assertEqual(got, status, err)
                for part in parts:
                    self.assertIn(part, out)
                self.assertIn(complaint, err)
                self.assertEqual(err == "", complaint == "")

    def test_show_json(self):
        status, out, _ = self.ttp("show", "--output", "json", "T1059.004", "TA0002")
        technique, tactic = map(json.loads, out.splitlines())
        self.assertEqual(status, 0)
        self.assertEqual(technique, {
            "id": "T1059.004", "name": "Unix Shell", "attack_release": "enterprise-v18.1", "partial": True,
            "url": "https://attack.mitre.org/techniques/T1059/004", "tactics": ["TA0002"], "revoked": False,
            "deprecated": False, "successor": None, "sub_techniques": []})
        self.assertEqual(tactic["shortname"], "execution")
        self.assertIn("T1059", tactic["techniques"])
        self.assertNotIn("T1059.004", tactic["techniques"])

    def test_show_from_a_bundle(self):
        objects = [
            {"type": "x-mitre-tactic", "id": "t", "name": "Stealth", "x_mitre_shortname": "stealth",
             "external_references": [{"source_name": "mitre-attack", "external_id": "TA0005"}]},
            {"type": "attack-pattern", "id": "attack-pattern--1", "name": "Old", "revoked": True,
             "external_references": [{"source_name": "mitre-attack", "external_id": "T1562"}]},
            {"type": "attack-pattern", "id": "attack-pattern--2", "name": "New",
             "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "stealth"}],
             "external_references": [{"source_name": "mitre-attack", "external_id": "T1685"}]},
            {"type": "attack-pattern", "id": "attack-pattern--3", "name": "Odd"},
            {"type": "relationship", "relationship_type": "revoked-by", "source_ref": "attack-pattern--1",
             "target_ref": "attack-pattern--2"},
            {"type": "x-mitre-collection", "x_mitre_version": "19.0"},
        ]
        path = os.path.join(self.home.name, "bundle.json")
        with open(path, "w") as f:
            json.dump({"type": "bundle", "objects": objects}, f)
        rows = [
            ("by option", ["--attack-bundle", path], {}),
            ("by variable", [], {"DECNET_TTP_ATTACK_BUNDLE": path}),
        ]
        for says, words, environment in rows:
            with self.subTest(says):
                status, out, err = self.ttp("show", *words, "T1562", "T1685", "T1059", **environment)
                self.assertEqual(status, 1)
                self.assertIn("revoked; now T1685 New", out)
                self.assertIn("TA0005     Stealth", out)
                self.assertIn("enterprise-v19.0\n", out)
                self.assertIn("1 objects of the bundle are not as they should be; the first: attack-pattern--3", err)
                self.assertIn("T1059: is not in enterprise-v19.0", err)

    @unittest.skipUnless(CURL, "built without libcurl")
    def test_fetch(self):
        status, out, err = self.ttp("fetch", "18.1", "--url", self.address + "/ok")
        self.assertEqual(status, 0, err)
        self.assertIn("enterprise-v18.1: 1 techniques", out)
        self.assertIn("--attack-bundle enterprise-v18.1", err)
        self.assertNotIn("\r", err, "progress is for terminals")
        status, out, err = self.ttp("show", "--attack-bundle", "18.1", "T1059")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("Interpreter of 18.1", out)

    @unittest.skipUnless(CURL, "built without libcurl")
    def test_fetch_fails(self):
        rows = [
            ("not there", ["18.1", "--url", self.address + "/none"], 1, "404"),
            ("another release", ["18.1", "--url", self.address + "/other"], 1, "holds enterprise-v17.1"),
            ("a page for people", ["--url", self.address + "/garbage/a.json"], 1, "no JSON"),
            ("http to the world", ["--url", "http://192.0.2.1"], 1, "expected https"),
            ("two releases", ["18.1", "18.0"], 2, "one release at a time"),
            ("no release", ["tomorrow"], 1, "\"tomorrow\" is no release"),
        ]
        for says, words, status, complaint in rows:
            with self.subTest(says):
                got, out, err = self.ttp("fetch", *words)
                self.assertEqual((got, out), (status, ""))
                self.assertIn(complaint, err)
                self.assertEqual(os.listdir(self.bundles) if os.path.exists(self.bundles) else [], [])

    @unittest.skipIf(CURL, "built with libcurl")
    def test_fetch_without_curl(self):
        status, _, err = self.ttp("fetch", "18.1")
        self.assertEqual(status, 1)
        self.assertIn("built without libcurl", err)

    @unittest.skipUnless(CURL, "built without libcurl")
    def test_interrupted_fetch_leaves_nothing(self):
        child = subprocess.Popen([TTP, "attack", "fetch", "--url", self.address + "/stalled/a.json"],
                                 env=self.environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (os.path.exists(self.bundles) and os.listdir(self.bundles)) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(len(os.listdir(self.bundles)), 1)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=10), -signal.SIGINT)
        self.assertEqual(os.listdir(self.bundles), [])

    @unittest.skipUnless(CURL, "built without libcurl")
    def test_progress_on_a_terminal(self):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([TTP, "attack", "fetch", "--url", self.address + "/large/a.json"],
                                 env=self.environment, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # how a pty says that the other end is gone
            pass
        os.close(ours)
        self.assertEqual(child.wait(timeout=10), 0, seen)
        self.assertIn(b" MB/s", seen)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
