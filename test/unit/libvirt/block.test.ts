import { expect, test } from 'vitest';
import { blockedBy, blockText, withBlock, withoutBlock } from '../../../provider/drivers/libvirt/block.js';
import { parseXml } from '../../../provider/drivers/libvirt/xml.js';

const plain = `<domain>
  <os>
    <type arch='x86_64'>hvm</type>
  </os>
  <metadata><x:y xmlns:x='urn:x'>it's &lt;os&gt; größe</x:y></metadata>
</domain>
`;

test('a block is put in and taken out again to the byte, and tells where the VM went', () => {
  const blocked = withBlock(plain, blockText('m-1', 'green/host-c'))!;
  expect(blockedBy(parseXml(blocked))).toBe('m-1');
  expect(blocked).toContain('/vmplacement: this VM was moved to green/host-c (move m-1)');
  expect(withoutBlock(blocked)).toBe(plain);
  expect(blockedBy(parseXml(plain))).toBe(null);
  expect(withoutBlock(plain)).toBe(plain);
});

test('as libvirt prints it, on lines of its own, it is taken out too', () => {
  const printed = plain.replace('  </os>', `    <acpi>\n      <table type='slic'>${blockText('m-1', null)}</table>\n    </acpi>\n  </os>`);
  expect(blockedBy(parseXml(printed))).not.toBe(null);
  expect(withoutBlock(printed)).toBe(plain);
});

test('a table of the guest itself is left alone: there is no place for a block', () => {
  const own = plain.replace('  </os>', "    <acpi>\n      <table type='slic'>/etc/slic.bin</table>\n    </acpi>\n  </os>");
  expect(withBlock(own, blockText('m-1', null))).toBeNull();
  expect(blockedBy(parseXml(own))).toBe(null);
  expect(withoutBlock(own)).toBe(own);
});

test("nothing of a name becomes part of the definition's structure", () => {
  expect(blockText("m'<&>", 'a/<table>"')).not.toMatch(/[<>&'"]/);
});
