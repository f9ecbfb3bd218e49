package fat

import "encoding/binary"

const (
	infoAt       = 1 // FSInfo follows the boot sector
	backupSector = 6
)

// bootSector returns the first sector: the BIOS parameter block ("Boot Sector and BPB").
func (v *Volume) bootSector() []byte {
	b := make([]byte, SectorSize)
	le := binary.LittleEndian
	copy(b, []byte{0xeb, 0x58, 0x90}) // a jump over the block; there is no code behind it
	copy(b[3:], "MSWIN4.1")           // what the specification recommends
	le.PutUint16(b[11:], SectorSize)
	b[13] = byte(v.perCluster)
	le.PutUint16(b[14:], uint16(v.reserved))
	b[16] = tables
	b[21] = 0xf8 // a fixed disk
	le.PutUint16(b[24:], 63)
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[28:], v.options.Start)
	le.PutUint32(b[32:], uint32(v.options.Size/SectorSize))
	le.PutUint32(b[36:], v.tableSize)
	le.PutUint32(b[44:], v.root.cluster)
	le.PutUint16(b[48:], infoAt)
	le.PutUint16(b[50:], backupSector)
	b[64] = 0x80
	b[66] = 0x29 // the next three fields are there
	le.PutUint32(b[67:], v.options.ID)
	copy(b[71:], v.label[:])
	copy(b[82:], "FAT32   ")
	copy(b[90:], []byte{0xfa, 0xf4, 0xeb, 0xfd}) // cli; hlt; and again, for who boots it nevertheless
	copy(b[510:], []byte{0x55, 0xaa})
	return b
}

// infoSector returns the FSInfo sector: how much is free, and where to look for it.
func (v *Volume) infoSector() []byte {
	b := make([]byte, SectorSize)
	le := binary.LittleEndian
	le.PutUint32(b, 0x41615252)
	le.PutUint32(b[484:], 0x61417272)
	le.PutUint32(b[488:], v.clusters-v.used)
	le.PutUint32(b[492:], firstData+v.used-1)
	le.PutUint32(b[508:], 0xaa550000)
	return b
}
