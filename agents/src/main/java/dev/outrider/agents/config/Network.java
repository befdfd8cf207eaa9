package dev.outrider.agents.config;

import java.net.InetAddress;
import java.util.Arrays;

/**
 * Addresses that have their first bits in common, as CIDR writes them.
 *
 * @param address the first of them
 * @param prefix how many bits they have in common
 */
public record Network(InetAddress address, int prefix) {
  private static final String FORM =
      "ADDRESS or ADDRESS/BITS, for example 10.0.0.0/8 or 2001:db8::/32, no bit set behind BITS";

  /** Checks that no bit is set behind the prefix. */
  public Network {
    byte[] bytes = address.getAddress();
    if (prefix < 0 || prefix > bytes.length * Byte.SIZE) {
      throw new IllegalArgumentException(FORM);
    }
    if (!Arrays.equals(bytes, masked(bytes, prefix))) {
      throw new IllegalArgumentException(FORM);
    }
  }

  /**
   * Parses {@code 10.0.0.0/8}; without bits it is one address. Names are not resolved.
   *
   * @throws IllegalArgumentException with what is allowed
   */
  public static Network parse(String text) {
    int slash = text.indexOf('/');
    String host = slash < 0 ? text : text.substring(0, slash);
    // All four numbers: 10.1 would be 10.0.0.1.
    boolean four = host.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
    boolean six = host.indexOf(':') >= 0 && host.matches("[0-9a-fA-F:.]+");
    if (!four && !six) {
      throw new IllegalArgumentException(FORM);
    }
    try {
      InetAddress address = InetAddress.ofLiteral(host);
      int bits = address.getAddress().length * Byte.SIZE;
      return new Network(address, slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(FORM, e);
    }
  }

  /** Whether an address is one of them; an IPv4 address is in no network of IPv6. */
  public boolean contains(InetAddress other) {
    byte[] bytes = other.getAddress();
    return bytes.length == address.getAddress().length
        && Arrays.equals(masked(bytes, prefix), address.getAddress());
  }

  private static byte[] masked(byte[] bytes, int prefix) {
    byte[] masked = bytes.clone();
    for (int i = 0; i < masked.length; i++) {
      int bits = Math.clamp(prefix - i * (long) Byte.SIZE, 0, Byte.SIZE);
      masked[i] &= (byte) (0xff << (Byte.SIZE - bits));
    }
    return masked;
  }

  @Override
  public String toString() {
    return address.getHostAddress() + '/' + prefix;
  }
}
