#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The statistics of ktrun --compare, without runs: against figures of scipy 1.10, against all permutations of small
# samples, against themselves (the same with itself is rarely different), and against a difference that is there.

# shellcheck disable=SC1091,SC2154,SC2016 # what is sourced sets them; programs are text
. "$KT_TEST_LIB/stub.sh"

RECORDED=$KT_TOP/test/data/compare/hackbench-none.jsonl # 60 runs of `hackbench -g 1 -l 50` without a scheduler

setUp() {
	:
}

# rank_tests of scipy.stats.mannwhitneyu, method exact and asymptotic.
test_the_rank_test_has_the_figures_of_scipy() {
	launcher 'from launcher.compare.ranks import rank_test
x = [12.1, 13.4, 11.8, 15.0, 14.2, 12.9, 13.3, 16.1]
y = [14.9, 15.2, 16.8, 13.9, 17.1, 15.5, 16.0, 18.2]
print("%.15f" % rank_test([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]))
print("%.15f" % rank_test(x, y), rank_test(x, y) == rank_test(y, x))
x = [round(i * 0.37 % 7, 2) for i in range(40)]
y = [round(i * 0.37 % 7 + 0.9, 2) for i in range(5, 45)]
print("%.15f" % rank_test(x, y))
print(rank_test([5] * 10, [5] * 10), rank_test([5] * 50, [5] * 50))' >got
	assert_file_text "0.007936507936508
0.010411810411810 True
0.039936537791725
1.0 1.0" got
}

test_ties_are_counted_as_all_permutations_count_them() {
	launcher 'import itertools, random
from launcher.compare.ranks import rank_test
def by_hand(first, second):
    values = first + second
    ranks = [sum(other < value for other in values) + (values.count(value) + 1) / 2 for value in values]
    mean = sum(ranks) * len(first) / len(values)
    far = [abs(sum(chosen) - mean) >= abs(sum(ranks[:len(first)]) - mean) - 1e-9
           for chosen in itertools.combinations(ranks, len(first))]
    return sum(far) / len(far)
chance = random.Random(4)
worst = 0
for _ in range(60):
    first, second = ([chance.randrange(4) for _ in range(chance.randrange(2, 6))] for _ in range(2))
    worst = max(worst, abs(rank_test(first, second) - by_hand(first, second)))
print(worst < 1e-12)' >got
	assert_file_text True got
}

test_the_exact_and_the_approximate_p_agree_where_one_gives_way_to_the_other() {
	launcher 'import random
from launcher.compare import ranks
chance = random.Random(2)
worst = 0
for _ in range(20):
    first, second = [chance.gauss(0, 1) for _ in range(30)], [chance.gauss(0.4, 1) for _ in range(30)]
    double = ranks._double_ranks(first + second)
    worst = max(worst, abs(ranks.rank_test(first, second) - ranks._approximate(double, 30, sum(double[:30]))))
print(0 < worst < 0.01)' >got
	assert_file_text True got
}

test_holm_multiplies_the_smallest_by_their_number() {
	launcher 'from launcher.compare.ranks import holm
print([round(p, 6) for p in holm([0.01, 0.04, 0.03, 0.005])])
print(holm([]), holm([0.9, 0.8]), holm([0.02]))' >got
	assert_file_text "[0.03, 0.06, 0.06, 0.02]
[] [1.0, 1.0] [0.02]" got
}

# scipy.stats.bootstrap, percentile, 20000 resamples, has 0.75 to 4.05.
test_the_interval_is_that_of_a_bootstrap_and_repeats_by_its_seed() {
	launcher 'from launcher.compare.ranks import interval_of_difference, spread_of
x = [12.1, 13.4, 11.8, 15.0, 14.2, 12.9, 13.3, 16.1]
y = [14.9, 15.2, 16.8, 13.9, 17.1, 15.5, 16.0, 18.2]
low, high = interval_of_difference(x, y, "1")
print(0.5 < low < 1.0, 3.8 < high < 4.3, (low, high) == interval_of_difference(x, y, "1"))
print(interval_of_difference(x, y, "1") != interval_of_difference(x, y, "2"))
print(interval_of_difference([3], [5], "1"), interval_of_difference([3, 3], [3, 3, 3], "1"))
print(spread_of([1, 2, 3, 4, 10]))
print(spread_of([7]))' >got
	assert_file_text "True True True
True
(2, 2) (0.0, 0.0)
Spread(count=5, median=3, low=2.0, high=4.0, least=1, most=10)
Spread(count=1, median=7, low=7, high=7, least=7, most=7)" got
}

# In: a function draw(chance), the 20 runs of a comparison of the same with itself. Prints how many of 40 comparisons
# found a difference; with "uncorrected", without the correction for the number of metrics.
REPEAT='import random, sys
from launcher.compare.differences import Rules, compare_runs
def count(draw, is_corrected):
    wrong = 0
    for seed in range(40):
        runs = draw(random.Random(seed))
        rules = Rules(seed, is_corrected=is_corrected)
        metrics, = compare_runs([[runs[:10], runs[10:]]], rules)
        wrong += any(difference.verdict in ("better", "worse", "different") for metric in metrics
                     for difference in metric.differences)
    return wrong
'

# The stated rate is 5%: 2 of 40.
test_of_40_comparisons_of_the_same_synthetic_runs_at_most_2_find_a_difference() {
	launcher "$REPEAT"'from launcher.figures.metrics import Value
NAMES = ["payload.a", "hackbench.time", "perf.sched.pipe.time_per_op", "duration", "task.wake_p50", "context_switches",
         "migrations", *("events.E%d" % n for n in range(40))]
def draw(chance):
    """Skewed as latencies are, whole numbers as counts are, and the load of a machine that all metrics share."""
    runs = []
    for _ in range(20):
        load = chance.lognormvariate(0, 0.3)
        runs.append({name: Value(round(load * chance.lognormvariate(3, 0.5), 0 if "E" in name else 3), "us")
                     for name in NAMES})
    return runs
print(count(draw, True) <= 2, count(draw, False) > 2)' >got
	assert_file_text "True True" got # the twin: without the correction there are more
}

test_of_40_comparisons_of_the_same_recorded_runs_at_most_2_find_a_difference() {
	launcher "$REPEAT"'from launcher.figures.run_records import read_records
records = read_records(sys.argv[1])
pool = [record.metrics for record in records.records]
def draw(chance):
    return chance.sample(pool, 20)
print(len(pool), len(records.damaged), count(draw, True) <= 2, count(draw, False) > 2)' "$RECORDED" >got
	assert_file_text "60 0 True True" got
}

test_to_end_when_the_interval_is_narrow_finds_no_more_differences() {
	launcher 'import random
from launcher.compare.differences import Rules, compare_runs, widest
from launcher.figures.metrics import Value
wrong = ended = 0
for seed in range(40):
    chance = random.Random(seed)
    runs = [[{"duration": Value(chance.gauss(100, 6), "s")} for _ in range(40)] for _ in range(2)]
    for count in range(6, 41, 2):
        metrics, = compare_runs([[side[:count] for side in runs]], Rules(seed, 5.0))
        if widest(metrics)[1] <= 5:
            break
    ended += count < 40
    wrong += metrics[0].differences[0].verdict in ("better", "worse")
print(wrong <= 2, ended > 30)' >got
	assert_file_text "True True" got
}

# Each recorded run, made 30% slower on one side: in all 40 comparisons that is found, and called worse.
test_a_difference_that_is_there_is_found() {
	launcher 'import random
from launcher.compare.differences import Rules, compare_runs
from launcher.figures.metrics import Value
found = []
for seed in range(40):
    chance = random.Random(seed)
    runs = [[{"hackbench.time": Value(slow * chance.lognormvariate(0, 0.05), "s"),
              "perf.sched.pipe.ops": Value(chance.lognormvariate(3, 0.05) / slow, "1/s"),
              "x": Value(slow * chance.lognormvariate(0, 0.05), "count")}
             for _ in range(10)] for slow in (1, 1.3)]
    metrics, = compare_runs([runs], Rules(seed))
    found.append([metric.differences[0].verdict for metric in metrics])
print(found.count(["worse", "worse", "different"]))' >got
	assert_file_text 40 got
}

test_the_headline_metrics_come_first_and_the_same_is_there_once() {
	launcher 'from launcher.compare.differences import Rules, compare_runs
from launcher.figures.metrics import Value
run = {name: Value(number, unit) for number, (name, unit) in enumerate([("migrations", "count"), ("task.wake_p50", "us"),
       ("wake_p50", "us"), ("wake_p99", "us"), ("perf.sched.pipe.time", "s"), ("perf.sched.pipe.time_per_op", "us"),
       ("perf.sched.messaging.time", "s"), ("payload.frames", "1/s"), ("a", "count")])}
metrics, = compare_runs([[[run] * 4, [run] * 4]], Rules(1))
print(" ".join("%s:%s" % (metric.name, metric.direction) for metric in metrics if metric.is_headline))
print({difference.verdict for metric in metrics for difference in metric.differences})
metrics, = compare_runs([[[run] * 4, [run] * 4]], Rules(1, headlines={"a": "higher", "b": ""}))
print([(metric.name, metric.direction) for metric in metrics if metric.is_headline])' >got
	assert_file_text "payload.frames:higher perf.sched.pipe.time_per_op:lower perf.sched.messaging.time:lower \
task.wake_p50:lower wake_p99:lower migrations:unknown
{'no difference seen'}
[('a', 'higher')]" got
}

test_a_metric_that_one_side_lacks_or_that_has_another_unit_is_not_compared() {
	launcher 'from launcher.compare.differences import Rules, compare_runs, has_worse, widest
from launcher.figures.metrics import Value
one, other = {"duration": Value(1, "s"), "x": Value(1, "s")}, {"duration": Value(1, "ms")}
metrics, = compare_runs([[[one] * 9, [other] * 9]], Rules(1))
print([(metric.name, metric.unit, len(metric.differences)) for metric in metrics])
print(widest(metrics), has_worse([metrics]), compare_runs([[[], []]], Rules(1)))' >got
	assert_file_text "[('duration', 'ms', 0), ('duration', 's', 0), ('x', 's', 0)]
None False [[]]" got
}

test_a_figure_that_not_all_runs_have_says_how_many() {
	launcher 'from launcher.compare.differences import Rules, compare_runs
from launcher.figures.metrics import Value
from launcher.report.compare import interval_text, quartiles_text
some = [{"x": Value(3, "us")}, {}, {}, {}]
more = [{"x": Value(number, "us")} for number in (4, 5, 6, 7)]
for sides in ((some, more), (some, some), (more, more)):
    metric = compare_runs([sides], Rules(1))[0][0]
    texts = [quartiles_text(metric, side) for side in range(2)]
    print(*texts, interval_text(metric.differences[0], metric) == "no interval", sep=" / ")' >got
	assert_file_text '3..3 us, 1 of 4 runs / 4.75..6.25 us / False
3..3 us, 1 of 4 runs / 3..3 us, 1 of 4 runs / True
4.75..6.25 us / 4.75..6.25 us / False' got
}

test_the_document_has_the_directions_of_the_code() {
	launcher 'import re, sys
from launcher.compare.directions import direction_of
text = open(sys.argv[1], encoding="utf-8").read()
rows = re.findall(r"^\| (`.*`) \| (lower|higher|unknown) \|$", text, re.M)
names = [(name, better) for cell, better in rows for name in re.findall("`([^`]*)`", cell)]
assert len(names) > 15, names
print([(name, better) for name, better in names if direction_of(name.replace("*", "1"), "us") != better])' \
		"$KT_TOP/docs/use/compare.md" >got
	assert_file_text "[]" got
}

. shunit2
