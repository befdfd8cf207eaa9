package dev.outrider.metrics.proxy;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.BindMode;
import org.testcontainers.containers.Container.ExecResult;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** The project's own Postgres image, alone in a container, on a Unix socket of this machine. */
public final class RealPostgres implements AutoCloseable {
  /** Of the user {@code postgres}. */
  public static final String PASSWORD = "a password";

  /** This machine, as programs in the container call it. */
  public static final String HOST = "host.outrider.test";

  private final Path sockets;
  private final GenericContainer<?> container;

  private RealPostgres(Path sockets, GenericContainer<?> container) {
    this.sockets = sockets;
    this.container = container;
  }

  /** Starts one; the test is skipped where there is no Docker or no image. */
  public static RealPostgres start() throws IOException {
    Assumptions.assumeTrue(
        DockerClientFactory.instance().isDockerAvailable(),
        "no Docker daemon answers: eval \"export $(e2e/docker/up)\" starts one");
    String image = image();
    // Any uid of the container may make its socket here.
    Path sockets =
        Files.createTempDirectory(
            "pg",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxrwxrwx")));
    Files.setPosixFilePermissions(sockets, PosixFilePermissions.fromString("rwxrwxrwx"));
    GenericContainer<?> container =
        new GenericContainer<>(DockerImageName.parse(image))
            .withCommand(
                "standalone",
                "-c",
                "port=5433",
                "-c",
                "shared_preload_libraries=pg_stat_statements")
            .withEnv("POSTGRES_PASSWORD", PASSWORD)
            .withExtraHost(HOST, "host-gateway")
            .withFileSystemBind(sockets.toString(), "/run/postgresql", BindMode.READ_WRITE)
            .waitingFor(
                Wait.forLogMessage(".*database system is ready to accept connections.*", 2)
                    .withStartupTimeout(Duration.ofMinutes(2)));
    container.start();
    return new RealPostgres(sockets, container);
  }

  private static String image() throws IOException {
    Path built = Path.of("../images/target/images.env");
    Assumptions.assumeTrue(
        Files.exists(built), built + " is not there: make images builds the images");
    return Files.readAllLines(built).stream()
        .filter(line -> line.startsWith("OUTRIDER_IMAGE_POSTGRES_18="))
        .map(line -> line.substring(line.indexOf('=') + 1))
        .findFirst()
        .orElseThrow();
  }

  GenericContainer<?> container() {
    return container;
  }

  /** The folder of its socket. */
  Path sockets() {
    return sockets;
  }

  /** Its socket. */
  public Path socket() {
    return sockets.toAbsolutePath().resolve(".s.PGSQL.5433");
  }

  /** What a program in the container writes; it must succeed. */
  public String run(String... command) throws IOException, InterruptedException {
    return run(container, command);
  }

  static String run(GenericContainer<?> container, String... command)
      throws IOException, InterruptedException {
    ExecResult result = container.execInContainer(command);
    assertEquals(0, result.getExitCode(), result::getStderr);
    return result.getStdout();
  }

  @Override
  public void close() throws IOException {
    container.stop();
    try (var left = Files.list(sockets)) {
      for (Path file : left.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(sockets);
  }
}
