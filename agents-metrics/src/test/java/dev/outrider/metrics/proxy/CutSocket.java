package dev.outrider.metrics.proxy;

import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.function.IntUnaryOperator;

/** A socket whose writes arrive in pieces. */
final class CutSocket extends Socket {
  private final IntUnaryOperator pieces;
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();

  /** Each write of so many bytes begins with a piece of so many. */
  CutSocket(InetSocketAddress address, IntUnaryOperator pieces) throws IOException {
    super(InetAddress.getLoopbackAddress(), address.getPort());
    setTcpNoDelay(true);
    setSoTimeout(20_000);
    this.pieces = pieces;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    InputStream in = super.getInputStream();
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
      }

      @Override
      public int read(byte[] into, int offset, int length) throws IOException {
        int read = in.read(into, offset, length);
        if (read > 0) {
          received.write(into, offset, read);
        }
        return read;
      }
    };
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return cut(super.getOutputStream(), pieces);
  }

  /** Each write is several, the next of so many bytes. */
  static OutputStream cut(OutputStream whole, IntUnaryOperator pieces) {
    return new FilterOutputStream(whole) {
      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        int at = 0;
        while (at < length) {
          int piece = Math.clamp(pieces.applyAsInt(length - at), 1, length - at);
          out.write(bytes, offset + at, piece);
          at += piece;
        }
      }
    };
  }

  /** All that has come. */
  byte[] received() {
    return received.toByteArray();
  }
}
