package dev.outrider.agents;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "dev.outrider.agents",
    importOptions = ImportOption.DoNotIncludeTests.class)
class LayeringTest {
  /** The operator uses this package alone. */
  @ArchTest
  static final ArchRule CONFIG_IS_PLAIN_JAVA_AND_YAML =
      classes()
          .that()
          .resideInAPackage("dev.outrider.agents.config..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.outrider.agents.config..", "java..", "org.jspecify..", "org.snakeyaml..");

  @ArchTest
  static final ArchRule WHAT_AGENTS_SHARE_KNOWS_NO_AGENT =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.outrider.metrics..",
              "dev.outrider.logs..",
              "dev.outrider.extensions..",
              "dev.outrider.backup..",
              "dev.outrider.operator..",
              "dev.outrider.protocol..",
              "io.netty..");

  /** JMX and java.util.logging cost an idle agent more memory than they are worth. */
  @ArchTest
  static final ArchRule NO_MANAGEMENT_AND_NO_JAVA_UTIL_LOGGING =
      noClasses()
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "java.lang.management..", "javax.management..", "java.util.logging..");
}
