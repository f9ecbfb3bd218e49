// Package uki makes Unified Kernel Images: one UEFI executable that is systemd's stub with Linux, its initramfs, its command
// line and its device tree as further sections. The same file boots from a disk, by PXE and over HTTP, and its signature, made
// with [Sign], covers all of it.
//
// Sources: the UAPI Group's Unified Kernel Image specification (names of the sections), systemd-stub(7), Microsoft's PE Format
// ("Microsoft Portable Executable and Common Object File Format Specification") and Windows Authenticode Portable Executable
// Signature Format, version 1.0, to which UEFI 2.10, section 32.2.4 refers.
package uki
