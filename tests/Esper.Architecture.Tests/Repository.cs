using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Esper.Architecture.Tests;

/// <summary>The files of the repository: those that git tracks or would track.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = ["artifacts", "runs", "bin", "obj", ".git", ".vs", ".idea", ".vscode"];

    public static string Root { get; } = FindRoot();

    private static readonly Lazy<IReadOnlyList<RepositoryFile>> LazyFiles = new(() =>
        [.. (ListByGit() ?? ListByWalking()).Order(StringComparer.Ordinal).Select(path => new RepositoryFile(Root, path))]);

    public static IReadOnlyList<RepositoryFile> Files => LazyFiles.Value;

    /// <summary>Files below a folder with one of the endings, generated ones left out.</summary>
    public static IEnumerable<RepositoryFile> Sources(string folder, params string[] endings) => Files.Where(file =>
        file.Path.StartsWith(folder + "/", StringComparison.Ordinal)
        && endings.Any(ending => file.Path.EndsWith(ending, StringComparison.Ordinal))
        && !file.Path.EndsWith(".g.cs", StringComparison.Ordinal));

    public static RepositoryFile File(string path) =>
        Files.SingleOrDefault(file => file.Path == path) ?? throw new FileNotFoundException($"{path} is not in the repository.");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (System.IO.File.Exists(Path.Combine(folder.FullName, "Esper.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has Esper.sln.");
    }

    private static string[]? ListByGit()
    {
        ProcessStartInfo start = new("git") { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
        foreach (string argument in (string[])["-C", Root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            using Process git = Process.Start(start)!;
            git.ErrorDataReceived += (_, _) => { };
            git.BeginErrorReadLine();
            string output = git.StandardOutput.ReadToEnd();
            git.WaitForExit();
            return git.ExitCode != 0
                ? null
                : [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries)
                    .Distinct()
                    .Where(path => System.IO.File.Exists(Path.Combine(Root, path)))];
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    /// <summary>For a copy without git: everything but the folders that git ignores.</summary>
    private static IEnumerable<string> ListByWalking()
    {
        Stack<string> folders = new([Root]);
        while (folders.TryPop(out string? folder))
        {
            foreach (string file in Directory.EnumerateFiles(folder))
            {
                yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
            }

            foreach (string inner in Directory.EnumerateDirectories(folder))
            {
                if (!NotOurs.Contains(Path.GetFileName(inner)))
                {
                    folders.Push(inner);
                }
            }
        }
    }
}
