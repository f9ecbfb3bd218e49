package canon

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestTransform(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"keys are sorted and space goes", ` { "b" : 1 , "a" : [ true , null ] } `, `{"a":[true,null],"b":1}`},
		{"no HTML escapes", `{"a":"<&>\u2028"}`, "{\"a\":\"<&>\u2028\"}"},
		{"short escapes", `"\u0022\u005c\u0008\u000c\u000a\u000d\u0009\/"`, `"\"\\\b\f\n\r\t/"`},
		{"other control characters", `"\u001F\u0000"`, `"\u001f\u0000"`},
		{"surrogate pairs become UTF-8", `"\ud83d\ude00"`, `"😀"`},
		{"the largest integers", `[9007199254740991,-9007199254740991,0]`, `[9007199254740991,-9007199254740991,0]`},
		{"of duplicate keys the last", `{"a":1,"a":2}`, `{"a":2}`},
		{"keys sort by bytes", `{"é":1,"z":2,"Z":3,"":4}`, `{"":4,"Z":3,"z":2,"é":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Transform([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestTransformRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     error // nil: any
	}{
		{"fraction", `1.5`, ErrNumber},
		{"exponent", `1e3`, ErrNumber},
		{"negative zero", `-0`, ErrNumber},
		{"more than 2^53-1", `9007199254740992`, ErrNumber},
		{"more than 64 bits", `18446744073709551616`, ErrNumber},
		{"invalid UTF-8", "\"\xff\"", ErrText},
		{"deep nesting", strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2), ErrDepth},
		{"two values", `1 2`, nil},
		{"nothing", ``, nil},
		{"no JSON", `{a:1}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Transform([]byte(tt.in))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("got %s, %v, want the error %v", got, err, tt.want)
			}
		})
	}
}

func TestMarshalRefusesFloats(t *testing.T) {
	if _, err := Marshal(map[string]float64{"a": 0.5}); !errors.Is(err, ErrNumber) {
		t.Fatalf("error %v, want %v", err, ErrNumber)
	}
	if got, err := Marshal(struct {
		B int    `json:"b"`
		A string `json:"a"`
	}{1, "<"}); err != nil || string(got) != `{"a":"<","b":1}` {
		t.Fatalf("got %s, %v", got, err)
	}
}

func FuzzTransform(f *testing.F) {
	for _, seed := range []string{`{"a":[1,"x",null]}`, `"\ud800"`, `[[[[]]]]`, `-1`, "\"\u2028\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := Transform(raw)
		if err != nil {
			return
		}
		twice, err := Transform(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q, %v", once, twice, err)
		}
		if !json.Valid(once) {
			t.Fatalf("%q is not JSON", once)
		}
	})
}
