package job

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Cron is a cron expression: the minutes at which something is done, in UTC. It has the five fields of crontab(5): minute, hour, day
// of the month, month, day of the week (0 and 7 are Sunday). A field is *, or a list of numbers and of ranges a-b, each
// with a step /n if need be; months and days of the week have English names of three letters too. As in crontab, where both days are
// restricted (do not begin with *), either is enough.
type Cron struct {
	minute, hour, day, month, weekday uint64 // bit n is set: n is one of them
	eitherDay                         bool
}

// cronField is one of the five.
type cronField struct {
	name        string
	least, most int
	words       string // names of its values, three letters each, the first one of least
}

var cronFields = [...]cronField{
	{"minute", 0, 59, ""}, {"hour", 0, 23, ""}, {"day of the month", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, {"day of the week", 0, 7, "sunmontuewedthufrisat"},
}

// maxCron bounds an expression in bytes.
const maxCron = 256

// cronYears is how long at most one waits for a time that comes: from one 29 February to the next around 2100.
const cronYears = 8

// ParseCron reads a cron expression. One that never comes, such as 30 February, is refused.
func ParseCron(text string) (Cron, error) {
	words := strings.Fields(text)
	if len(words) != len(cronFields) || len(text) > maxCron {
		return Cron{}, fmt.Errorf("%.80q is no cron expression: that has five fields, minute hour day month weekday", text)
	}
	var sets [len(cronFields)]uint64
	for i, f := range cronFields {
		var err error
		if sets[i], err = f.parse(words[i]); err != nil {
			return Cron{}, fmt.Errorf("field %d (%s) of %q: %w", i+1, f.name, text, err)
		}
	}
	c := Cron{minute: sets[0], hour: sets[1], day: sets[2], month: sets[3], weekday: sets[4]}
	if c.weekday&(1<<7) != 0 {
		c.weekday |= 1
	}
	c.eitherDay = words[2][0] != '*' && words[4][0] != '*'
	if c.Next(time.Unix(0, 0)).IsZero() {
		return Cron{}, fmt.Errorf("%q never comes: no month that it names has such a day", text)
	}
	return c, nil
}

func (f cronField) parse(text string) (set uint64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		more, err := f.part(part)
		if err != nil {
			return 0, err
		}
		set |= more
	}
	return set, nil
}

// part reads *, a, a-b, and each of them with a step; a/n is a-most/n.
func (f cronField) part(text string) (set uint64, err error) {
	span, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		if step, err = digits(stepText); err != nil || step < 1 || step > f.most {
			return 0, fmt.Errorf("step %q is not a number between 1 and %d", stepText, f.most)
		}
	}
	from, to := f.least, f.most
	if span != "*" {
		first, last, ranged := strings.Cut(span, "-")
		if from, err = f.value(first); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if to, err = f.value(last); err != nil {
				return 0, err
			}
		case !stepped:
			to = from
		}
	}
	if from > to {
		return 0, fmt.Errorf("%q ends before it begins", span)
	}
	for v := from; v <= to; v += step {
		set |= 1 << v
	}
	return set, nil
}

func (f cronField) value(text string) (int, error) {
	if i := strings.Index(f.words, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%3 == 0 {
		return f.least + i/3, nil
	}
	v, err := digits(text)
	if err != nil || v < f.least || v > f.most {
		return 0, fmt.Errorf("%q is not between %d and %d", text, f.least, f.most)
	}
	return v, nil
}

// digits reads a short number without a sign.
func digits(text string) (int, error) {
	if len(text) == 0 || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, errors.New("not a number")
	}
	return strconv.Atoi(text)
}

// Next is the first time after another, in UTC and at a whole minute; the zero time if there is none within [cronYears].
func (c Cron) Next(after time.Time) time.Time {
	t := after.UTC().Truncate(time.Minute).Add(time.Minute)
	for last := t.Year() + cronYears; t.Year() <= last; {
		year, month, day := t.Date()
		switch {
		case c.month&(1<<month) == 0:
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !c.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case c.hour>>t.Hour() == 0:
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case c.hour&(1<<t.Hour()) == 0:
			t = time.Date(year, month, day, t.Hour()+bits.TrailingZeros64(c.hour>>t.Hour()), 0, 0, 0, time.UTC)
		case c.minute>>t.Minute() == 0:
			t = time.Date(year, month, day, t.Hour()+1, 0, 0, 0, time.UTC)
		default:
			return t.Add(time.Duration(bits.TrailingZeros64(c.minute>>t.Minute())) * time.Minute)
		}
	}
	return time.Time{}
}

func (c Cron) onDay(t time.Time) bool {
	day, weekday := c.day&(1<<t.Day()) != 0, c.weekday&(1<<t.Weekday()) != 0
	if c.eitherDay {
		return day || weekday
	}
	return day && weekday
}
