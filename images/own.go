package images

import (
	"github.com/capodekappa/capo/images/fat"
	"github.com/capodekappa/capo/images/uki"
)

// ownIn returns where on a disk the fleet's part and a signature over it lie. The volume begins at the byte at.
func (c *contents) ownIn(volume *fat.Volume, at int64) []Range {
	if c.own.To == 0 {
		return nil
	}
	if initrd, ok := volume.Offset("initrd"); ok {
		return []Range{c.own.shift(at + initrd)}
	}
	file, ok := volume.Offset(c.ukiFile().Path)
	if !ok {
		return nil
	}
	var own []Range
	end := int64(0)
	for _, s := range c.sections() {
		if s.Name == uki.SectionInitrd {
			own = append(own, c.own.shift(at+file+int64(s.Offset)))
		}
		end = max(end, int64(s.Offset)+int64(s.Raw))
	}
	if size := int64(len(c.uki)); size > end {
		own = append(own, Range{From: end, To: size}.shift(at+file))
	}
	return own
}

// sections are those of the unified kernel image, none where there is no such image.
func (c *contents) sections() []uki.Section {
	sections, err := uki.Sections(c.uki)
	if err != nil {
		return nil
	}
	return sections
}

func (r Range) shift(by int64) Range { return Range{From: r.From + by, To: r.To + by} }
