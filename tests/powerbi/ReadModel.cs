// Reads semantic models with Microsoft's library and writes each to another folder.
//
//     mono ReadModel.exe FOLDER OUTPUT [FOLDER OUTPUT]...
//
// The exit code is 1 if a model cannot be read. Its folder is named on stderr.
using System;
using System.IO;
using Microsoft.AnalysisServices.Tabular;

class ReadModel
{
    static int Main(string[] folders)
    {
        var failed = 0;
        for (var at = 0; at + 1 < folders.Length; at += 2)
        {
            try
            {
                var database = TmdlSerializer.DeserializeDatabaseFromFolder(folders[at]);
                var model = database.Model;
                Console.WriteLine(
                    "{0}: {1} tables, {2} relationships",
                    folders[at], model.Tables.Count, model.Relationships.Count);
                Directory.CreateDirectory(folders[at + 1]);
                TmdlSerializer.SerializeDatabaseToFolder(database, folders[at + 1]);
            }
            catch (Exception error)
            {
                var message = error.Message.Replace("\r", " ").Replace("\n", " ");
                Console.Error.WriteLine("{0}: {1}", folders[at], message);
                failed = 1;
            }
        }
        return failed;
    }
}
