package synth

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/gateware/synth/part"
)

func TestCountsOfYosysAreRead(t *testing.T) {
	const text = `{"creator": "Yosys 0.23", "modules": {}, "design": {"num_cells": 7, "num_cells_by_type":
		{"SB_CARRY": 3, "SB_DFF": 4, "SB_DFFER": 5, "SB_LUT4": 20, "SB_RAM40_4K": 2, "SB_RAM40_4KNR": 1}}}`
	for name, text := range map[string]string{"0.23": text, "with words before it": "Yosys 0.55\n" + text} {
		var got Report
		if err := parseStat([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(Report{LUTs: 20, FFs: 9, Carries: 3, BRAMs: 3}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, bad := range []string{"", "{", "{}", `{"design": {"num_cells_by_type": {"SB_LUT4": "many"}}}`} {
		if err := parseStat([]byte(bad), &Report{}); err == nil {
			t.Errorf("%q is taken for counts", bad)
		}
	}
}

func TestTheSlowestClockOfNextpnrCounts(t *testing.T) {
	const text = `{"critical_paths": [], "fmax": {"sck": {"achieved": 48.25, "constraint": 48.0}, "other": {"achieved": 100, "constraint": 12}},
		"utilization": {"ICESTORM_LC": {"available": 5280, "used": 249}}}`
	var got Report
	if err := parseRouted([]byte(text), &got); err != nil || got.FmaxHz != 48250000 || got.Cells != 249 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "[]", `{"fmax": {}}`, `{"fmax": {"sck": {"achieved": -1}}}`, `{"fmax": {"sck": {"achieved": 1e300}}}`} {
		if err := parseRouted([]byte(bad), &Report{}); err == nil {
			t.Errorf("%q is taken for a report", bad)
		}
	}
}

func TestWhatAPartLacksIsFoundInNextpnrsWords(t *testing.T) {
	const log = "Info: Device utilisation:\nInfo: \t         ICESTORM_LC:   242/ 5280     4%\nInfo: \t        ICESTORM_RAM:    36/   30   120%\nERROR: Unable to place cell\n"
	err := tooLarge(log, &part.Part{Name: "p"}, 100)
	var large *TooLarge
	if !errors.As(err, &large) || large.Needs != 36 || large.Has != 30 || large.Resource != "block RAMs" {
		t.Errorf("%v", err)
	}
	for _, log := range []string{"", "ERROR: something else", "Info: \t ICESTORM_LC:   5280/ 5280 100%\n", "Info: \t ICESTORM_LC: 99999999999999999999/ 1 9%\n"} {
		if err := tooLarge(log, &part.Part{}, 100); err != nil {
			t.Errorf("%q: %v", log, err)
		}
	}
	const crowded = "Info: \t               SB_GB:     8/    8   100%\nInfo: \t         ICESTORM_LC:  5011/ 5280    94%\n"
	if err := tooLarge(crowded, &part.Part{Name: "p"}, full); !errors.As(err, &large) || !strings.Contains(err.Error(), "5011 logic cells of 5280") {
		t.Errorf("%v", err)
	}
}
