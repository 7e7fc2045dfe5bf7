// SPDX-FileCopyrightText: The network-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"bytes"
	"encoding/binary"
	"os"

	bolt "go.etcd.io/bbolt"
)

// The layout of a bbolt file, as far as it takes to walk it: pages of one size, a page longer than that goes on in
// the following ones. A page begins with its number (8 bytes), kind (2), count of elements (2) and how many pages
// follow it (4). Then come the elements, each with the place of its key counted from the element itself:
//
//	in a branch: place of the key (4 bytes), its size (4), number of the page below (8)
//	in a leaf:   kind of the value (4 bytes), place of the key (4), its size (4), size of the value after it (4)
//
// The value of a bucket begins with the number of its first page (8 bytes). Without one, the page itself follows.
const (
	headerSize       = 16
	elementSize      = 16
	bucketHeaderSize = 16
	branchPage       = 1
	leafPage         = 2
	bucketValue      = 1
)

// tree is a database file that is checked. Without this check, half of the cases of TestDamage end the process with a stack trace
// of bbolt. The check reads the file and trusts nothing in it. bbolt's own check can't be used: it panics in a goroutine of its own,
// where nobody can recover it.
type tree struct {
	file     *os.File
	name     string
	pageSize int64
	seen     []bool // by page number
}

// checkTree finds out whether bbolt can read every page, and finds each only once and all keys in their order.
func checkTree(name string, tx *bolt.Tx) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return damaged("%s is cut off: it has %d of %d bytes", name, info.Size(), tx.Size())
	}
	pageSize := int64(tx.DB().Info().PageSize)
	t := &tree{file: file, name: name, pageSize: pageSize, seen: make([]bool, tx.Size()/pageSize)}
	_, err = t.check(uint64(tx.Cursor().Bucket().Root()), nil)
	return err
}

// check goes through a page and all below it, and returns their last key. None may be less than first.
func (t *tree) check(number uint64, first []byte) (last []byte, err error) {
	page, err := t.read(number)
	if err != nil {
		return nil, err
	}
	return t.checkPage(number, page, first)
}

func (t *tree) checkPage(number uint64, page, first []byte) (last []byte, err error) {
	kind, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if headerSize+count*elementSize > len(page) {
		return nil, damaged("%s: page %d is too short for its elements", t.name, number)
	}
	last = first
	for i := range count {
		start := headerSize + i*elementSize
		element := page[start:]
		field := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(element[4*i:])) }
		var place, keySize, valueSize uint64
		switch kind {
		case branchPage:
			place, keySize = field(0), field(1)
		case leafPage:
			place, keySize, valueSize = field(1), field(2), field(3)
		default:
			return nil, damaged("%s: page %d is of no known kind", t.name, number)
		}
		place += uint64(start)
		if place+keySize+valueSize > uint64(len(page)) {
			return nil, damaged("%s: page %d is too short for its keys and values", t.name, number)
		}
		key, value := page[place:][:keySize], page[place+keySize:][:valueSize]
		if order := bytes.Compare(last, key); order > 0 || order == 0 && i > 0 {
			return nil, damaged("%s: the keys of page %d are out of order", t.name, number)
		}
		last = key
		switch {
		case kind == branchPage:
			last, err = t.check(binary.NativeEndian.Uint64(element[8:]), key)
		case field(0)&bucketValue != 0:
			err = t.checkBucket(number, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

func (t *tree) checkBucket(number uint64, value []byte) error {
	if len(value) < bucketHeaderSize {
		return damaged("%s: page %d has a bucket without a beginning", t.name, number)
	}
	root := binary.NativeEndian.Uint64(value)
	if root != 0 {
		_, err := t.check(root, nil)
		return err
	}
	inline := value[bucketHeaderSize:]
	if len(inline) < headerSize || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		return damaged("%s: page %d has a bucket without a page", t.name, number)
	}
	_, err := t.checkPage(number, inline, nil)
	return err
}

// read returns a page with those that it goes on in.
func (t *tree) read(number uint64) ([]byte, error) {
	if number >= uint64(len(t.seen)) {
		return nil, damaged("%s: page %d is beyond the end", t.name, number)
	}
	page := make([]byte, t.pageSize)
	if _, err := t.file.ReadAt(page, int64(number)*t.pageSize); err != nil {
		return nil, err
	}
	if binary.NativeEndian.Uint64(page) != number {
		return nil, damaged("%s: page %d is not where it should be", t.name, number)
	}
	pages := 1 + uint64(binary.NativeEndian.Uint32(page[12:]))
	if number+pages > uint64(len(t.seen)) {
		return nil, damaged("%s: page %d goes on beyond the end", t.name, number)
	}
	for i := number; i < number+pages; i++ {
		if t.seen[i] {
			return nil, damaged("%s: page %d is used twice", t.name, i)
		}
		t.seen[i] = true
	}
	if pages == 1 {
		return page, nil
	}
	page = make([]byte, int64(pages)*t.pageSize)
	_, err := t.file.ReadAt(page, int64(number)*t.pageSize)
	return page, err
}
