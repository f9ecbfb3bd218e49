package modules

import "testing"

func TestParams(t *testing.T) {
	const line = `quiet ramoops.mem_address=0x1000 ramoops.mem_size=65536 softdog. watch-dog.open_timeout=60 a="b ramoops.x=1" -- ramoops.y=1`
	tests := []struct{ module, want string }{
		{"ramoops", "mem_address=0x1000 mem_size=65536"},
		{"watch_dog", "open_timeout=60"},
		{"softdog", ""},
		{"quiet", ""},
	}
	for _, tt := range tests {
		t.Run(tt.module, func(t *testing.T) {
			if got := Params(line, tt.module); got != tt.want {
				t.Errorf("Params = %q, want %q", got, tt.want)
			}
		})
	}
}
