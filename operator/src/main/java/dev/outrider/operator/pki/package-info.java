/** The certificate authority of each cluster, and the passwords that come from its seed. */
@NullMarked
package dev.outrider.operator.pki;

import org.jspecify.annotations.NullMarked;
