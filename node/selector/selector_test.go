package selector

import "testing"

func TestMatches(t *testing.T) {
	labels := map[string]string{"site": "lab", "board": "host", "gpu": ""}
	for _, c := range []struct {
		text string
		want bool
	}{
		{"", true},
		{"site=lab", true},
		{"site=home", false},
		{"site!=home", true},
		{"site!=lab", false},
		{"rack!=1", true},
		{"site in (home, lab),board=host", true},
		{"site in (home)", false},
		{"gpu", true},
		{"rack", false},
		{"!rack", true},
		{"!gpu", false},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Fatalf("%q: %v", c.text, err)
		}
		if got := s.Matches(labels); got != c.want {
			t.Errorf("%q: %v, want %v", c.text, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"a b", "a in (b", "=x", ",", "a,,b", "a in ((b))", "!"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("site in (a,b),!x,k!=v")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err == nil {
			s.Matches(map[string]string{"site": "a"})
		}
	})
}
