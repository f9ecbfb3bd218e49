// Package fat writes FAT32 volumes: the same input gives the same bytes, every file lies in one piece, and where it lies is
// known before anything is written.
//
// Source of the format: Microsoft Extensible Firmware Initiative FAT32 File System Specification, version 1.03 (2000), which
// UEFI makes part of itself (UEFI 2.10, section 13.3). Numbers are little-endian. A volume is sectors of 512 bytes: reserved
// ones (boot sector, FSInfo, their copies), two allocation tables, then clusters from number 2 on, the first of which is the
// root folder's.
package fat
