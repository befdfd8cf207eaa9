package dev.outrider.agents.reload;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import org.jspecify.annotations.Nullable;

/**
 * What tells that a file may have changed, without reading it. Two stamps that are equal mean the
 * same content, unless somebody rewrites a file in place within the clock tick of the file system.
 *
 * <p>Mounted ConfigMaps and Secrets change by the swap of a symbolic link ({@code ..data}), so the
 * stamp is of the file at the end of all links. Stamps are compared every now and then rather than
 * waited for with a {@code WatchService}: inotify sees the link and not the file behind it, and its
 * thread and classes cost more than two system calls a second.
 *
 * @param realPath the file after following all links
 * @param modified its time of modification
 * @param size its size in bytes
 * @param key the file's identity, device and inode on Linux
 */
public record FileStamp(Path realPath, FileTime modified, long size, @Nullable Object key) {
  /** The stamp of a file as it is now, or null if it is not there or cannot be looked at. */
  public static @Nullable FileStamp of(Path file) {
    try {
      Path real = file.toRealPath();
      BasicFileAttributes attributes = Files.readAttributes(real, BasicFileAttributes.class);
      return new FileStamp(
          real, attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
    } catch (IOException e) {
      return null;
    }
  }
}
