#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A page, as headless Chromium shows it, through chromedriver.

browser.py FILE WIDTH SCHEME   SCHEME is light or dark. Prints a JSON object: width (of the window), scroll_width
(of the page), requests (what was loaded, but for FILE itself), errors (of the console), text (what is to be read),
background (of the body), headings, pictures (SVG that have a title), cell_lines (the most lines in a cell of a matrix),
lane_width and lane_scroll (of the flight recorder's picture: its width, and what of it lies left of its window).
Exit: 0; 1 with a message when the browser can't do it.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from typing import Any

LOOK = """return {
    width: document.documentElement.clientWidth, scroll_width: document.documentElement.scrollWidth,
    text: document.body.innerText, background: getComputedStyle(document.body).backgroundColor,
    headings: [...document.querySelectorAll('h1,h2')].map(h => h.tagName + ' ' + h.innerText),
    cell_lines: Math.max(0, ...[...document.querySelectorAll('.cells tr > :not(.message):not(:has(.pill))')].map(
        cell => Math.round((cell.clientHeight - 11.2) / parseFloat(getComputedStyle(cell).lineHeight)))),
    lane_width: document.querySelector('.window')?.scrollWidth ?? 0,
    lane_scroll: [...document.querySelectorAll('.window')]
        .map(w => w.scrollWidth - w.clientWidth + w.scrollLeft)[0] ?? 0,
    pictures: [...document.querySelectorAll('svg[role=img]')].filter(s => s.querySelector('title')).length,
    scripts: document.scripts.length }"""


def call(port: int, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("http://127.0.0.1:%d%s" % (port, path), data, method=method,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


def options(width: int) -> dict[str, Any]:
    arguments = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        "goog:chromeOptions": {"args": arguments, "mobileEmulation": {"deviceMetrics": {
            "width": width, "height": 800, "pixelRatio": 1.0, "mobile": False, "touch": False}}}}}}


def look(port: int, session: str, url: str, scheme: str) -> dict[str, Any]:
    path = "/session/" + session
    call(port, "POST", path + "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
        "features": [{"name": "prefers-color-scheme", "value": scheme}]}})
    call(port, "POST", path + "/url", {"url": url})
    seen: dict[str, Any] = call(port, "POST", path + "/execute/sync", {"script": LOOK, "args": []})
    log = [json.loads(entry["message"])["message"] for entry in
           call(port, "POST", path + "/se/log", {"type": "performance"})]
    loaded = [event["params"]["request"]["url"] for event in log if event["method"] == "Network.requestWillBeSent"]
    seen["requests"] = [address for address in loaded if address != url and not address.startswith("data:,")]
    seen["errors"] = [entry["message"] for entry in call(port, "POST", path + "/se/log", {"type": "browser"})]
    return seen


def main(file: str, width: str, scheme: str) -> None:
    driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert driver.stdout is not None
    try:
        for line in driver.stdout:
            if "started successfully on port" in line:
                port = int(line.rstrip(". \n").rsplit(" ", 1)[1])
                break
        else:
            sys.exit("chromedriver did not start")
        session = call(port, "POST", "/session", options(int(width)))["sessionId"]
        try:
            print(json.dumps(look(port, session, "file://" + os.path.abspath(file), scheme)))
        finally:
            call(port, "DELETE", "/session/" + session)
    finally:
        driver.terminate()
        driver.stdout.close()
        driver.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
