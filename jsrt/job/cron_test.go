package job

import (
	"strings"
	"testing"
	"time"
)

func TestCronComesWhenItSays(t *testing.T) {
	tests := []struct{ name, cron, after, want string }{
		{"every minute", "* * * * *", "2026-11-22 21:01:59", "2026-11-22 21:02"},
		{"strictly after", "* * * * *", "2026-11-22 21:01:00", "2026-11-22 21:02"},
		{"step", "*/5 * * * *", "2026-11-22 21:01:00", "2026-11-22 21:05"},
		{"step ends with the hour", "*/25 * * * *", "2026-11-22 21:51:00", "2026-11-22 22:00"},
		{"a start with a step", "7/20 * * * *", "2026-11-22 21:08:00", "2026-11-22 21:27"},
		{"list and range", "0,30 8-10 * * *", "2026-11-22 10:30:00", "2026-11-23 08:00"},
		{"range with a step", "0 8-18/4 * * *", "2026-11-22 09:00:00", "2026-11-22 12:00"},
		{"next year", "0 0 1 1 *", "2026-11-22 21:01:00", "2027-01-01 00:00"},
		{"names", "15 6 * FEB mon", "2026-11-22 21:01:00", "2027-02-01 06:15"},
		{"sunday is 7", "0 0 * * 7", "2026-11-22 00:00:00", "2026-11-29 00:00"},
		{"sunday is 0", "0 0 * * 0", "2026-11-22 00:00:00", "2026-11-29 00:00"},
		{"up to sunday", "0 0 * * 5-7", "2026-11-22 00:00:00", "2026-11-27 00:00"},
		{"either day", "0 0 13 * 5", "2026-11-22 21:01:00", "2026-11-27 00:00"},
		{"either day, the other", "0 0 13 * 5", "2026-12-12 00:00:00", "2026-12-13 00:00"},
		{"both days where one begins with a star", "0 0 */2 * 5", "2026-11-22 21:01:00", "2026-11-27 00:00"},
		{"leap day", "0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00"},
		{"the last day that a month has", "0 0 31 * *", "2026-11-01 00:00:00", "2026-12-31 00:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseCron(tt.cron)
			if err != nil {
				t.Fatal(err)
			}
			after, err := time.Parse(time.DateTime, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Next(after).Format("2006-01-02 15:04"); got != tt.want {
				t.Errorf("%s after %s: %s, want %s", tt.cron, tt.after, got, tt.want)
			}
		})
	}
}

func TestParseCronSaysWhichFieldIsWrong(t *testing.T) {
	tests := []struct{ cron, want string }{
		{"* * * *", "five fields"},
		{"* * * * * *", "five fields"},
		{"@daily", "five fields"},
		{"60 * * * *", `field 1 (minute) of "60 * * * *": "60" is not between 0 and 59`},
		{"* 24 * * *", "field 2 (hour)"},
		{"* * 0 * *", "field 3 (day of the month)"},
		{"* * * 13 *", "field 4 (month)"},
		{"* * * * 8", "field 5 (day of the week)"},
		{"* * * anf *", `"anf" is not between 1 and 12`},
		{"*/0 * * * *", `step "0" is not a number`},
		{"*/61 * * * *", `step "61" is not a number`},
		{"5-1 * * * *", `"5-1" ends before it begins`},
		{"-1 * * * *", `"" is not between`},
		{"+1 * * * *", `"+1" is not between`},
		{"1,,2 * * * *", `"" is not between`},
		{"* * L * *", `"L" is not between`},
		{"0 0 30 2 *", "never comes"},
		{"0 0 31 4,6 *", "never comes"},
		{strings.Repeat("1,", 200) + "1 * * * *", "five fields"},
	}
	for _, tt := range tests {
		if _, err := ParseCron(tt.cron); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.cron, err, tt.want)
		}
	}
}

// FuzzCron compares with the definition: minute by minute.
func FuzzCron(f *testing.F) {
	for _, s := range []string{"* * * * *", "*/5 1-3 * * mon-fri", "0 0 13 * 5", "59 23 31 12 *", "0 0 29 2 *", "1/7 2,3 */9 jan-mar 7"} {
		f.Add(s, int64(1795381319))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		c, err := ParseCron(text)
		if err != nil {
			return
		}
		at := time.Unix(unix&(1<<32-1), 0).UTC()
		next := c.Next(at)
		if next.IsZero() || !next.After(at) || !c.at(next) {
			t.Fatalf("%q after %s: %s", text, at, next)
		}
		for m := at.Truncate(time.Minute).Add(time.Minute); m.Before(next) && m.Before(at.Add(50*time.Hour)); m = m.Add(time.Minute) {
			if c.at(m) {
				t.Fatalf("%q after %s: %s, but %s comes before", text, at, next, m)
			}
		}
	})
}

// at is the definition of a time that an expression names.
func (c Cron) at(t time.Time) bool {
	return c.minute>>t.Minute()&1 == 1 && c.hour>>t.Hour()&1 == 1 && c.month>>t.Month()&1 == 1 && c.onDay(t)
}

func TestParseReadsASchedule(t *testing.T) {
	for text, want := range map[string]Every{
		`{"every":"10m"}`:         {Text: "10m", MS: 600000},
		`{"every":"*/5 * * * *"}`: {Text: "*/5 * * * *"},
	} {
		got, err := Parse([]byte(text), "x", []string{"scheduled"})
		if err != nil || got.Every != want {
			t.Errorf("%s: %+v, %v", text, got.Every, err)
		}
	}
	for text, want := range map[string]string{
		`{}`:                      "job.every: is missing",
		`{"every":"often"}`:       `job.every: "often" is neither an interval`,
		`{"every":"1ms"}`:         "job.every: 1ms is not between 1s and",
		`{"every":"9000h"}`:       "job.every: 9000h is not between 1s and",
		`{"every":10}`:            "job.every: is not a text",
		`{"every":"61 * * * *"}`:  "job.every: field 1 (minute)",
		`{"every":"0 0 30 2 *"}`:  `job.every: "0 0 30 2 *" never comes`,
		`{"every":"* * * * * *"}`: "job.every: ",
	} {
		if _, err := Parse([]byte(text), "x", []string{"scheduled"}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := Parse([]byte(`{"every":"10m"}`), "x", []string{"run"}); err == nil || !strings.Contains(err.Error(), "job.every: says when, but") {
		t.Errorf("a schedule without a handler: %v", err)
	}
}
