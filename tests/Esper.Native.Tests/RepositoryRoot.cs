namespace Esper.Native.Tests;

/// <summary>The repository that the tests run in.</summary>
internal static class RepositoryRoot
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(directory.FullName, "Esper.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException($"No Esper.sln above {AppContext.BaseDirectory}.");
    }
}
