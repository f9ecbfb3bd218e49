// Package images makes what a board boots: Linux, an initramfs with the node's one executable, and
// the fleet's part.
//
// The kernel and the initramfs are the same for every fleet, and the same input gives the same bytes.
// What is a fleet's own (operators' keys, token, labels) is a second small cpio archive that is appended;
// it holds one file, [FleetFile].
//
// Linux comes from Debian's archive and is pinned in linux.lock. The executable comes from a dist folder or
// is built by the go tool in a checkout. Whatever was fetched or built is kept in [CacheDir] by the digest of its
// content or of its inputs.
package images
