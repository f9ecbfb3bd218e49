package board

// The ways in which a board comes from power to Linux.
const (
	// LoaderRaspi is the Raspberry Pi's firmware, which reads config.txt.
	LoaderRaspi = "raspi"
	// LoaderUBoot is U-Boot, which reads extlinux/extlinux.conf.
	LoaderUBoot = "uboot"
	// LoaderUEFI is UEFI firmware, which starts EFI/BOOT/BOOT….EFI.
	LoaderUEFI = "uefi"
)

// Boot is what a medium holds so that the board's ROM or firmware finds Linux.
type Boot struct {
	// Loader reads the medium: raspi, uboot or uefi.
	Loader string `json:"loader"`
	// BIOS is true where a PC's BIOS can start the medium too.
	BIOS bool `json:"bios,omitempty"`
	// Files are copied to the medium's file system.
	Files []File `json:"files,omitempty"`
	// Raw are partitions that hold a file's bytes and no file system.
	Raw []Raw `json:"raw,omitempty"`
	// Given are files that Capo cannot make and whose owner cannot be asked for: the user brings them
	// (--files).
	Given []Given `json:"given,omitempty"`
	// Config are further lines of the loader's configuration (config.txt).
	Config []string `json:"config,omitempty"`
}

// File is a boot file: of a package of images/linux.lock or of what a recipe of buildroot built.
type File struct {
	Package string `json:"package,omitempty"`
	Recipe  string `json:"recipe,omitempty"`
	// From is its path there, To that on the medium.
	From string `json:"from"`
	To   string `json:"to"`
}

// Raw is a partition whose content is a file as it is.
type Raw struct {
	Recipe string `json:"recipe"`
	From   string `json:"from"`
	// Type is the partition's type in the MBR, two hexadecimal digits.
	Type string `json:"type"`
}

// Given is a file that the user must bring.
type Given struct {
	To string `json:"to"`
	// Why says why Capo has none, and where the user finds one.
	Why string `json:"why"`
	// Optional is true for one that not every user needs.
	Optional bool `json:"optional,omitempty"`
}

// QEMU is how to emulate a board.
type QEMU struct {
	// System is the suffix of the program: qemu-system-SYSTEM.
	System string `json:"system"`
	// Machine and CPU are the arguments of -machine and -cpu under TCG. An empty CPU is the machine's own.
	Machine string `json:"machine"`
	CPU     string `json:"cpu,omitempty"`
	// KVMCPU is the argument of -cpu under KVM, or empty if the board has no use for KVM.
	KVMCPU string `json:"kvm_cpu,omitempty"`
	// MemoryMB is the memory of a machine unless the caller says otherwise; a machine with FixedMemory
	// cannot have another.
	MemoryMB    int  `json:"memory_mb"`
	FixedMemory bool `json:"fixed_memory,omitempty"`
	// CPUs is the number of processors; 0 means one.
	CPUs int `json:"cpus,omitempty"`
	// NIC is the -device model of a network interface, with its options; a netdev and a MAC address
	// are added. Where it begins with "onboard:", the machine has its interfaces soldered on, and what follows is
	// their model.
	NIC string `json:"nic"`
	// NICs is how many network interfaces the machine can have; 0 means any number.
	NICs int `json:"nics,omitempty"`
	// RNG is the -device model of a random number generator, or empty.
	RNG string `json:"rng,omitempty"`
	// UART is the number of the serial port that is the console; those before it lead nowhere.
	UART int `json:"uart,omitempty"`
	// Disk is the -device model of a disk with its options, or "sd" for a card slot; a drive is added.
	Disk string `json:"disk,omitempty"`
	// Loader starts the machine from a disk; nil where that is not emulated.
	Loader *QEMULoader `json:"loader,omitempty"`
	// Args are further arguments, as they are.
	Args []string `json:"args,omitempty"`
}

// QEMULoader is the firmware of an emulated board.
type QEMULoader struct {
	// Code is a file of UEFI firmware for a flash chip, and Vars one with its variables, as Debian's packages install
	// them.
	Code string `json:"code,omitempty"`
	Vars string `json:"vars,omitempty"`
	// Recipe and From name a boot loader that QEMU starts as if it were a kernel.
	Recipe string `json:"recipe,omitempty"`
	From   string `json:"from,omitempty"`
	// MemoryMB is the memory that this loader expects; 0 means the machine's.
	MemoryMB int `json:"memory_mb,omitempty"`
}
