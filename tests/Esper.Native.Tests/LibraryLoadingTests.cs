using Esper.Native.Interop;

namespace Esper.Native.Tests;

/// <summary>Where libraries are looked for, and what a failure says.</summary>
public sealed class LibraryLoadingTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_explicit_folder_is_the_only_one()
    {
        string expected = Path.Combine(folder.Path, LibrarySearch.FileName("esper"));
        Assert.Equal([expected], LibrarySearch.Candidates("esper", folder.Path, AppContext.BaseDirectory));
    }

    [Fact]
    public void Program_folder_then_runtimes_then_development_tree()
    {
        File.WriteAllText(folder.File("Esper.sln"), "");
        string program = Path.GetDirectoryName(folder.File("artifacts/dotnet/bin/App/program"))!;
        string file = LibrarySearch.FileName("esper_host");
        Assert.Equal(
            [
                Path.Combine(program, file),
                Path.Combine(program, "runtimes", LibrarySearch.RuntimeIdentifier, "native", file),
                Path.Combine(folder.Path, "artifacts", "build", "release", "lib", file),
            ],
            LibrarySearch.Candidates("esper_host", explicitDirectory: "", program));
    }

    [Fact]
    public void Outside_a_development_tree_there_are_two_places() =>
        Assert.Equal(2, LibrarySearch.Candidates("esper", null, folder.Path).Count);

    [Fact]
    public void Failure_lists_every_path_with_its_reason_and_the_fix()
    {
        string missing = folder.File("a/libesper.so"), broken = folder.File("b/libesper.so");
        File.WriteAllText(broken, "no library");
        string message = Assert.Throws<NativeLibraryException>(() => LibraryLoader.Load("esper", [missing, broken])).Message;
        string[] lines = message.Split('\n');
        Assert.Equal($"{LibrarySearch.FileName("esper")} could not be loaded. Tried:", lines[0]);
        Assert.Equal($"  {missing}: no such file", lines[1]);
        Assert.StartsWith($"  {broken}: ", lines[2], StringComparison.Ordinal);
        Assert.DoesNotContain("no such file", lines[2], StringComparison.Ordinal);
        Assert.DoesNotContain("LD_DEBUG", message, StringComparison.Ordinal);
        Assert.Contains("./build.sh build", lines[3], StringComparison.Ordinal);
        Assert.Contains("ESPER_NATIVE_DIR", lines[3], StringComparison.Ordinal);
        Assert.Equal(4, lines.Length);
    }

    [Fact]
    public void A_stale_library_is_named_with_both_numbers_and_the_fix()
    {
        string version = Assert.Throws<NativeLibraryException>(
            () => LibraryCheck.CompareVersion("/x/libesper.so", 2, 1)).Message;
        Assert.Equal(
            "/x/libesper.so is a stale library: it implements interface version 2, this program needs 1. "
            + "Rebuild with ./build.sh build.",
            version);
        string size = Assert.Throws<NativeLibraryException>(
            () => LibraryCheck.CompareSize("/x/libesper.so", "esper_shape", 16, 24)).Message;
        Assert.Equal(
            "/x/libesper.so is a stale library: its esper_shape has 16 bytes, this program's has 24. "
            + "Rebuild with ./build.sh build.",
            size);
        LibraryCheck.CompareVersion("/x/libesper.so", 1, 1);
        LibraryCheck.CompareSize("/x/libesper.so", "esper_shape", 24, 24);
    }

    [Fact]
    public void The_real_library_fails_against_another_version_and_another_layout()
    {
        (nint handle, string path) = LibraryLoader.Load(
            "esper",
            LibrarySearch.Candidates(
                "esper", Environment.GetEnvironmentVariable(LibrarySearch.DirectoryVariable), AppContext.BaseDirectory));
        const string version = "esper_abi_version", size = "esper_struct_size";
        LibraryCheck.Verify(handle, path, version, size, EsperConstants.AbiVersion, EsperStructs.Sizes);
        Assert.Contains("needs 999", Failure(version, size, 999, []), StringComparison.Ordinal);
        Assert.Contains("its esper_shape has 32 bytes, this program's has 33",
            Failure(version, size, EsperConstants.AbiVersion, [("esper_shape", 33)]), StringComparison.Ordinal);
        Assert.Contains("it has no function esper_none",
            Failure("esper_none", size, EsperConstants.AbiVersion, []), StringComparison.Ordinal);

        string Failure(string versionExport, string sizeExport, int expected, (string, int)[] sizes) =>
            Assert.Throws<NativeLibraryException>(
                () => LibraryCheck.Verify(handle, path, versionExport, sizeExport, expected, sizes)).Message;
    }
}
