using System.Runtime.InteropServices;

namespace Esper.Native.Interop;

/// <summary>Where a native library is looked for.</summary>
internal static class LibrarySearch
{
    /// <summary>Environment variable that names the only folder to look in.</summary>
    public const string DirectoryVariable = "ESPER_NATIVE_DIR";

    /// <summary>File name of a library on this system: <c>libesper.so</c>, <c>esper.dll</c>, <c>libesper.dylib</c>.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll"
        : OperatingSystem.IsMacOS() ? $"lib{library}.dylib"
        : $"lib{library}.so";

    /// <summary>Portable runtime identifier of this process, such as <c>linux-x64</c>.</summary>
    public static string RuntimeIdentifier
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>
    /// Paths to try, in order. A folder that was named explicitly is the only one: it is never replaced by another.
    /// Otherwise: beside the program, its runtimes folder, and in a development tree the release build.
    /// </summary>
    public static IReadOnlyList<string> Candidates(string library, string? explicitDirectory, string baseDirectory)
    {
        string file = FileName(library);
        if (!string.IsNullOrEmpty(explicitDirectory))
        {
            return [Path.GetFullPath(Path.Combine(explicitDirectory, file))];
        }

        List<string> paths =
        [
            Path.Combine(baseDirectory, file),
            Path.Combine(baseDirectory, "runtimes", RuntimeIdentifier, "native", file),
        ];
        if (DevelopmentTree(baseDirectory) is { } root)
        {
            paths.Add(Path.Combine(root, "artifacts", "build", "release", "lib", file));
        }

        return paths;
    }

    private static string? DevelopmentTree(string baseDirectory)
    {
        for (DirectoryInfo? directory = new(baseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Esper.sln")))
            {
                return directory.FullName;
            }
        }

        return null;
    }
}
