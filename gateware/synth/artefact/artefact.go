// Package artefact is the file that a kernel's bitstream travels in, NAME.PART.kernel: a manifest that says which kernel
// it is, for which part, how to talk to it and what it must answer, and the bitstream. docs/formats.md describes it.
//
// A file that was cut or changed is refused. Who made it is not said here: a job's signed manifest names the file by its
// digest.
package artefact

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/capodekappa/capo/gateware/synth/spi"
)

// Version of the manifest.
const Version = 1

// Sizes that a reader takes.
const (
	MaxManifest  = 16 << 20
	MaxText      = 8 << 20 // of a kernel's text, as gateware/ir reads it
	MaxBitstream = 64 << 20
	MaxGolden    = 1 << 20 // bytes of all vectors
)

// What can be wrong with a file.
var (
	ErrFormat    = errors.New("this is no kernel file")
	ErrVersion   = errors.New("this kernel file is of a version that is not known here")
	ErrTruncated = errors.New("the kernel file is cut short")
	ErrCorrupt   = errors.New("the kernel file is damaged")
	ErrManifest  = errors.New("the kernel file's manifest is wrong")
)

// Manifest says what a bitstream is.
type Manifest struct {
	V         int               `json:"v"`
	Name      string            `json:"name"`      // the kernel's, for people
	Kernel    string            `json:"kernel"`    // its digest
	Text      string            `json:"text"`      // its text without a name: what the digest is of
	Part      string            `json:"part"`      // device-package, or the vendor's name
	IDCODE    string            `json:"idcode"`    // 0x and eight digits; "" where the device has none
	Wrapper   int               `json:"wrapper"`   // version of the SPI wrapper; 0: it is not behind that one
	Link      *spi.Link         `json:"link"`      // how to talk to it; null without the SPI wrapper
	FmaxHz    int64             `json:"fmax_hz"`   // the fastest clock; 0: not known
	Resources Resources         `json:"resources"` // zeros: not known
	Kind      string            `json:"kind"`      // of the tools: native, webassembly, vendor
	Tools     map[string]string `json:"tools"`     // tool → version
	Seed      int               `json:"seed"`      // of the placement
	SHA256    string            `json:"sha256"`    // of the bitstream
	Bytes     int64             `json:"bytes"`     // of the bitstream
	Golden    []Vector          `json:"golden"`    // what it must answer before it is used
}

// Resources are what the bitstream takes of its part.
type Resources struct {
	Cells   int `json:"cells"`
	LUTs    int `json:"luts"`
	FFs     int `json:"ffs"`
	Carries int `json:"carries"`
	BRAMs   int `json:"brams"`
}

// Vector is a frame and its answer.
type Vector struct {
	Width int    `json:"width"`
	In    []byte `json:"in"`
	Out   []byte `json:"out"`
}

// File is a manifest and its bitstream.
type File struct {
	Manifest  Manifest
	Bitstream []byte
}

// Name is the file's name.
func (f *File) Name() string { return f.Manifest.Name + "." + f.Manifest.Part + ".kernel" }

var (
	kernelName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$-]{0,79}$`)
	partName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	digest     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	idcode     = regexp.MustCompile(`^(0x[0-9a-f]{8})?$`)
)

// check says what is wrong with a manifest, without its bitstream and text.
func (m *Manifest) check() error {
	switch {
	case m.V != Version:
		return fmt.Errorf("%w: %d", ErrVersion, m.V)
	case !kernelName.MatchString(m.Name):
		return fmt.Errorf("%w: the name is %.80q", ErrManifest, m.Name)
	case !partName.MatchString(m.Part):
		return fmt.Errorf("%w: the part is %.80q", ErrManifest, m.Part)
	case !digest.MatchString(m.Kernel) || !digest.MatchString(m.SHA256):
		return fmt.Errorf("%w: a digest is not 64 hexadecimal digits", ErrManifest)
	case !idcode.MatchString(m.IDCODE):
		return fmt.Errorf("%w: the IDCODE is %.80q", ErrManifest, m.IDCODE)
	case m.FmaxHz < 0 || m.Wrapper < 0 || len(m.Text) > MaxText:
		return fmt.Errorf("%w: a number is out of its range", ErrManifest)
	case (m.Wrapper == 0) != (m.Link == nil):
		return fmt.Errorf("%w: wrapper %d, and link does not go with it", ErrManifest, m.Wrapper)
	}
	return m.checkLink()
}

// checkLink says what is wrong with the link and the vectors that go over it.
func (m *Manifest) checkLink() error {
	if m.Wrapper > spi.Version {
		return fmt.Errorf("%w: its SPI wrapper is %d, those up to %d are", ErrVersion, m.Wrapper, spi.Version)
	}
	if m.Link != nil {
		if err := m.Link.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrManifest, err)
		}
	}
	size := 0
	for _, v := range m.Golden {
		if size += len(v.In) + len(v.Out); v.Width < 0 || size > MaxGolden {
			return fmt.Errorf("%w: golden vectors of more than %d bytes, or of a negative width", ErrManifest, MaxGolden)
		}
		if m.Link != nil && (len(v.In)%m.Link.InBytes != 0 || len(v.Out)%m.Link.OutBytes != 0) {
			return fmt.Errorf("%w: a golden vector is not whole tokens", ErrManifest)
		}
	}
	return nil
}
