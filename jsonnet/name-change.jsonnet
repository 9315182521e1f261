// SPDX-License-Identifier: Apache-2.0
// What Kratos sends to POST /jumio/reverify after a change of the profile: no trait leaves Kratos. The service reads the
// name itself, compares it with the document, and offers a new verification where it does not fit any more.
function(ctx) {
  identity: { id: ctx.identity.id },
  reason: 'name-change',
}
