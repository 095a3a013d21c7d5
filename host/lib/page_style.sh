# The look of ktrun's HTML pages.
#
# SPDX-License-Identifier: GPL-2.0-only
#
# Why:   one style sheet for the page of a run and that of a matrix: light and dark as the reader's system
#        asks, from a phone's width up, and on paper. In: nothing. Out: CSS on stdout. Exit: none of its own.

page_style() {
	cat <<'END'
:root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --text: #1c2024; --soft: #5a636e; --line: #dde1e6;
  --code: #f1f3f5; --good: #18794e; --bad: #c0272d; --warn: #915907; --blue: #2565c7; --violet: #7a3ea8;
  --teal: #0b7a75; --gray: #8a94a0; --tint: #fdecec; --amber: #fff3d6; --on: #fff }
@media (prefers-color-scheme: dark) { :root { --page: #111417; --card: #1a1e22; --text: #e8ebee; --soft: #a2acb7;
  --line: #30363d; --code: #14181b; --good: #4cc38a; --bad: #ff8a8a; --warn: #f0b450; --blue: #74a9ff;
  --violet: #c79bf2; --teal: #4fd0c8; --gray: #76818d; --tint: #3b1a1d; --amber: #352a12; --on: #111417 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem }
header { border-left: 6px solid var(--tone); background: var(--card); border-radius: 8px; padding: 1.1rem 1.4rem;
  box-shadow: 0 1px 2px #0002 }
header .kicker { margin: 0; color: var(--soft); font-size: .85rem; letter-spacing: .02em }
h1 { margin: .1rem 0 .2rem; font-size: 1.9rem; line-height: 1.2; color: var(--tone); overflow-wrap: anywhere }
h1 small { font-size: 1rem; font-weight: 500; color: var(--soft); margin-left: .4rem; white-space: nowrap }
header .reason { margin: .3rem 0 0; font-size: 1.05rem; overflow-wrap: anywhere }
.good { --tone: var(--good) } .bad { --tone: var(--bad) } .warn { --tone: var(--warn) }
h2 { font-size: 1.1rem; margin: 0 0 .8rem }
section { background: var(--card); border-radius: 8px; padding: 1.1rem 1.4rem; margin-top: 1rem;
  box-shadow: 0 1px 2px #0002 }
.facts { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .45rem 1.2rem; margin: 0 }
.facts dt { color: var(--soft) } .facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
code, pre { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace }
pre { margin: .7rem 0 0; padding: .7rem 0; background: var(--code); border: 1px solid var(--line); border-radius: 6px;
  overflow: auto; max-height: 26rem; tab-size: 8 }
pre:focus-visible, summary:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px }
pre span { display: block; padding: 0 .9rem; width: max-content; min-width: 100%; min-height: 1.5em }
pre .hit { background: var(--tint); color: var(--bad); box-shadow: inset 3px 0 var(--bad); font-weight: 600 }
pre .look { background: var(--amber); color: var(--warn); box-shadow: inset 3px 0 var(--warn) }
pre .gap { color: var(--soft); font-style: italic }
details { margin-top: .7rem } details + details { border-top: 1px solid var(--line); padding-top: .7rem }
summary { cursor: pointer; font-weight: 600; overflow-wrap: anywhere }
summary small { font-weight: 400; color: var(--soft); margin-left: .4rem }
summary .count { color: var(--bad); font-weight: 600 }
.note { color: var(--soft); margin: .6rem 0 0; font-size: .9rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin-top: .6rem; font-variant-numeric: tabular-nums }
th { text-align: left; color: var(--soft); font-weight: 500; font-size: .85rem }
th, td { padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere }
tbody tr:last-child td { border-bottom: 0 }
.cells th, .cells td { white-space: nowrap } .cells td.message { white-space: normal; min-width: 16rem }
td.message { min-width: 9rem } td .dim { color: var(--soft) }
.pill { display: inline-block; padding: 0 .55rem; border-radius: 99px; font-size: .82rem; font-weight: 600;
  color: var(--on); background: var(--tone); white-space: nowrap }
.pill.quiet { --tone: var(--gray) }
.timeline { display: grid; grid-template-columns: 262px minmax(0, 1fr); font-size: 13px }
.timeline svg { display: block; overflow: visible }
.timeline .label { fill: var(--text) } .timeline .time, .timeline .tick { fill: var(--soft) }
.timeline .time { font-size: 12px } .timeline .tick { font-size: 11.5px }
.timeline .grid { stroke: var(--line) }
.timeline .open { opacity: .55 }
.boot, .init { fill: var(--gray) } .load { fill: var(--violet) } .sched { fill: var(--good) }
.payload { fill: var(--blue) } .dump { fill: var(--warn) }
.point.bad { fill: var(--bad) } .point.wake { fill: var(--warn) } .point.own { fill: var(--teal) }
.point.over { fill: var(--text) }
footer { color: var(--soft); font-size: .85rem; margin-top: 1.4rem; overflow-wrap: anywhere }
@media (max-width: 640px) {
  .cells td.message { white-space: nowrap }
  main { padding: .75rem .6rem 2rem } header, section { padding: .9rem .9rem } h1 { font-size: 1.5rem }
  .facts { grid-template-columns: 1fr; gap: 0 } .facts dd { margin-bottom: .5rem }
  .timeline { grid-template-columns: minmax(0, 1fr) } .timeline svg { grid-area: 1 / 1 }
  .timeline .labels { z-index: 1 }
  .timeline .label { transform: translateY(-7px) } .timeline .bar { transform: translateY(7px) }
  .timeline .grid { opacity: .5 }
}
@media print {
  body { background: #fff; font-size: 11px } header, section { box-shadow: none; border: 1px solid #ccc;
    break-inside: auto } pre { max-height: none; overflow: visible } pre span { white-space: pre-wrap; width: auto }
  h2, summary { break-after: avoid }
}
END
}
